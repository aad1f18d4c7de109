import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

const RESOURCE_SPANS = 1;
const SCOPE_SPANS = 2;
const SPANS = 2;

let spans = 0;

const server = createServer((request, response) => {
  buffer(request).then(
    (body) => {
      if (request.url === '/v1/traces') spans += countSpans(body);
      response.setHeader('content-type', 'application/x-protobuf').end();
    },
    () => response.destroy(),
  );
});
server.listen(0, '127.0.0.1', () => {
  process.send?.({ kind: 'ready', url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
});
process.on('message', () => process.send?.({ kind: 'spans', spans }));
process.once('disconnect', () => process.exit(0));

/** Spans of an ExportTraceServiceRequest, counted without decoding them. */
function countSpans(body: Buffer): number {
  let count = 0;
  for (const resource of fields(body, RESOURCE_SPANS)) {
    for (const scope of fields(resource, SCOPE_SPANS)) count += fields(scope, SPANS).length;
  }
  return count;
}

/** The length-delimited fields of one number in a protobuf message whose other fields are length-delimited too. */
function fields(message: Buffer, wanted: number): Buffer[] {
  const found: Buffer[] = [];
  let at = 0;
  while (at < message.length) {
    const tag = message[at] ?? 0;
    if ((tag & 7) !== 2) throw new Error(`field ${tag >> 3} is not length-delimited`);
    let length = 0;
    let shift = 0;
    let byte: number;
    do {
      at += 1;
      byte = message[at] ?? 0;
      length |= (byte & 0x7f) << shift;
      shift += 7;
    } while (byte >= 0x80);
    at += 1;
    if (tag >> 3 === wanted) found.push(message.subarray(at, at + length));
    at += length;
  }
  return found;
}
