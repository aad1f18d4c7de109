/** What kind of trouble an error of PostgreSQL or its driver is, and so what to do about it. */
export type Failure = 'contention' | 'connection' | 'exhausted' | 'data';

/** Deadlock, serialization, lock wait and statement time-out, idle in transaction: the same unit may succeed next time. */
const CONTENTION = new Set(['40P01', '40001', '55P03', '57014', '25P03']);

/** Shutting down, starting up, crashed, cannot connect now. */
const CONNECTION = new Set(['57P01', '57P02', '57P03', '57P05']);

/** Connection, memory or disk exhausted: retrying at once makes it worse. */
const EXHAUSTED_CLASS = '53';
const CONNECTION_CLASS = '08';
const CAUSES_MAX = 5;

/** Looks for the SQLSTATE on the error or its causes, never at its class: drivers wrap differently at COMMIT. */
export function classifyFailure(error: unknown): Failure {
  const state = sqlState(error);
  if (state === null) return isNetworkError(error) ? 'connection' : 'data';
  if (CONTENTION.has(state) || isItemPutMeanwhile(state, error)) return 'contention';
  if (CONNECTION.has(state) || state.startsWith(CONNECTION_CLASS)) return 'connection';
  if (state === '53300') return 'connection';
  if (state.startsWith(EXHAUSTED_CLASS)) return 'exhausted';
  return 'data';
}

/** Another unit has put an item with the same id at the same moment: the next try reads it, and says so. */
function isItemPutMeanwhile(state: string, error: unknown): boolean {
  return state === '23505' && (error as { constraint?: unknown }).constraint === 'item_item_id_key';
}

export function sqlState(error: unknown): string | null {
  let current: unknown = error;
  for (let depth = 0; depth < CAUSES_MAX && typeof current === 'object' && current !== null; depth += 1) {
    const { code, cause, previous } = current as { code?: unknown; cause?: unknown; previous?: unknown };
    if (typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code)) return code;
    current = cause ?? previous;
  }
  return null;
}

const NETWORK_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EHOSTUNREACH',
  'EAI_AGAIN',
]);

/** The driver reports a lost or silent connection as a plain error; its words are the only sign. */
function isNetworkError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (NETWORK_CODES.has(String((error as { code?: unknown }).code))) return true;
  if (error instanceof AggregateError) return error.errors.some(isNetworkError);
  return /connection (terminated|ended|error)|timeout exceeded when trying to connect|client has encountered a connection error|not queryable|client was closed|query read timeout/i.test(
    error.message,
  );
}
