// A job as a command: what it is to report about stands in its environment.
'use strict';

async function main() {
  const { PUNCTUAL_OCCURRENCE, PUNCTUAL_FROM, PUNCTUAL_NOMINAL, APP_URL, TASK_TOKEN } = process.env;
  console.log(`reporting on ${PUNCTUAL_FROM} to ${PUNCTUAL_NOMINAL}`);
  const response = await fetch(`${APP_URL}/reports`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${TASK_TOKEN}`, 'Punctual-Occurrence': PUNCTUAL_OCCURRENCE },
  });
  if (!response.ok) throw new Error(`the app answered ${response.status}`);
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1; // the attempt has failed
});
