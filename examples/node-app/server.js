// The app's web process. It does the work of /tasks/refresh when punctual asks
// for it, takes in reports, and says at /counts how many of both there were.
// Each carries the name of its occurrence, so that one that comes twice, as it
// may after a lost connection, counts once.
'use strict';
const http = require('node:http');

const token = process.env.TASK_TOKEN;
if (!token) {
  console.error('set TASK_TOKEN: what requests to /tasks have to show');
  process.exit(1);
}

const done = { refresh: new Set(), report: new Set() };

const server = http.createServer((request, response) => {
  const answer = (status, body) => {
    response.writeHead(status, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify(body) + '\n');
  };
  const kind = { 'POST /tasks/refresh': 'refresh', 'POST /reports': 'report' }[`${request.method} ${request.url}`];
  if (request.method === 'GET' && request.url === '/counts') {
    answer(200, { refresh: done.refresh.size, report: done.report.size });
  } else if (!kind) {
    answer(404, { error: 'there is no such page' });
  } else if (request.headers.authorization !== `Bearer ${token}`) {
    answer(401, { error: 'the token is missing or wrong' });
  } else {
    done[kind].add(request.headers['punctual-occurrence']);
    answer(200, { done: request.headers['punctual-occurrence'] });
  }
});

server.listen(process.env.PORT || 3000, () => console.log(`listening on port ${server.address().port}`));

// The platform asks to end: finish what is under way, take nothing more.
process.on('SIGTERM', () => {
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});
