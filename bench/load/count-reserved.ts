const GRPC_PREFIX_BYTES = 5;
const OUTCOMES_TAG = 0x0a;
const RESERVED_TAG = 0x0a;

/** How many outcomes of a framed BatchReserveResponse hold units, told by their first tag alone. */
export function countReserved(framed: Buffer): number {
  let count = 0;
  let at = GRPC_PREFIX_BYTES;
  while (at < framed.length && framed[at] === OUTCOMES_TAG) {
    let length = 0;
    let shift = 0;
    let byte: number;
    do {
      at += 1;
      byte = framed[at] ?? 0;
      length |= (byte & 0x7f) << shift;
      shift += 7;
    } while (byte >= 0x80);
    at += 1;
    if (framed[at] === RESERVED_TAG) count += 1;
    at += length;
  }
  return count;
}
