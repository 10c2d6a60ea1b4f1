// A client made of the OpenAPI document, which holds every answer to it: a status
// the document does not tell of, another content type, or a body that does not
// fit its schema is an error.
import { Ajv2020 as Ajv } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import createClient, { type Middleware } from "openapi-fetch";
import type { paths } from "./generated/api.js";

type Content = Record<string, { schema: object }>;
type Operation = { responses: Record<string, { content?: Content }> };
type Document = { servers: { url: string }[]; paths: Record<string, Record<string, Operation>> };

export async function connect(address: string, token: string) {
  const headers = { authorization: `Bearer ${token}` };
  const found = await fetch(address, { headers });
  if (!found.ok) throw new Error(`${address} answers ${found.status}: ${await found.text()}`);
  const document = (await found.json()) as Document;
  const client = createClient<paths>({ baseUrl: new URL(document.servers[0]!.url, address).href.replace(/\/$/, ""), headers });
  client.use(heldTo(document));
  return client;
}

export type Client = Awaited<ReturnType<typeof connect>>;

/** heldTo compares every answer with what a document says of it. */
function heldTo(document: Document): Middleware {
  const ajv = new Ajv({ strict: false, allErrors: true });
  formats.default(ajv);
  ajv.addSchema(document, "document");
  return {
    async onResponse({ schemaPath, request, response }) {
      const method = request.method.toLowerCase();
      const asked = `${request.method} ${schemaPath}`;
      const told = document.paths[schemaPath]?.[method]?.responses[response.status];
      if (!told) throw new Error(`${asked} answered ${response.status}, of which the document says nothing: ${await response.text()}`);
      if (!told.content) return;
      const type = (response.headers.get("content-type") ?? "").split(";")[0]!;
      if (!told.content[type]) throw new Error(`${asked} answered ${response.status} as ${type}, and the document tells of ${Object.keys(told.content)}`);
      if (!type.endsWith("json")) return; // a stream has no end to wait for
      const pointer = ["paths", schemaPath, method, "responses", `${response.status}`, "content", type, "schema"];
      const fits = ajv.getSchema(`document#/${pointer.map(escaped).join("/")}`)!;
      const body: unknown = await response.clone().json();
      if (!fits(body)) throw new Error(`${asked} answered what does not fit its schema: ${ajv.errorsText(fits.errors)}\n${JSON.stringify(body)}`);
    },
  };
}

/** escaped is a name in a JSON pointer that stands in a URI. */
const escaped = (name: string) => encodeURIComponent(name.replaceAll("~", "~0").replaceAll("/", "~1"));

/** events reads a stream of server-sent events whose data is JSON. */
export async function* events<T>(stream: ReadableStream<Uint8Array> | null | undefined): AsyncGenerator<{ event: string; id?: string; data: T }> {
  if (!stream) throw new Error("there is no stream to read");
  let text = "";
  for await (const part of stream.pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>)) {
    const whole = (text + part).split("\n\n");
    text = whole.pop()!;
    for (const one of whole) {
      const field = (name: string) => one.match(new RegExp(`^${name}: (.*)$`, "m"))?.[1];
      const [event, data] = [field("event"), field("data")];
      if (event && data) yield { event, id: field("id"), data: JSON.parse(data) as T };
    }
  }
}
