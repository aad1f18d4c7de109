const CALL_TIMEOUT_MS = 15_000;
const POLL_MS = 50;

/** The JSON answer of an RPC over HTTP/1.1, with its HTTP status. */
export interface HttpAnswer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: the JSON of any RPC, read by tests that know its shape
  readonly body: any;
}

/** Calls an RPC as `curl` would; `method` is such as `ReservationService/Reserve`. */
export async function httpCall(
  httpPort: number,
  method: string,
  request: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<HttpAnswer> {
  const response = await fetch(`http://127.0.0.1:${httpPort}/earmark.v1.${method}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(request),
    signal: AbortSignal.timeout(CALL_TIMEOUT_MS),
  });
  return { status: response.status, body: await response.json() };
}

/** Waits until a condition holds. @throws Error naming what was waited for, after the deadline */
export async function until<T>(
  what: string,
  read: () => Promise<T | null | undefined | false>,
  deadlineMs = 30_000,
): Promise<T> {
  const end = performance.now() + deadlineMs;
  while (performance.now() < end) {
    const found = await read();
    if (found !== null && found !== undefined && found !== false) return found;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new Error(`waited ${deadlineMs} ms in vain for ${what}`);
}
