import { existsSync, openSync, readFileSync, renameSync, statSync } from 'node:fs';

/** A log larger than this is set aside at the next start; the one set aside before is dropped. */
const MAX_LOG_BYTES = 10 * 1024 * 1024;
const TAIL_LINES = 5;

/** Opens the log file for appending and gives its descriptor, which the caller closes. */
export function openServerLog(file: string): number {
  if (existsSync(file) && statSync(file).size > MAX_LOG_BYTES) renameSync(file, `${file}.1`);
  return openSync(file, 'a', 0o600);
}

/** What was written to the log after its first `fromByte` bytes. */
export function readServerLog(file: string, fromByte: number): string {
  return existsSync(file) ? readFileSync(file).subarray(fromByte).toString('utf8') : '';
}

/** The last lines of a log text, on one line, to explain why a server did not start. */
export function summarizeLog(text: string): string {
  return text.trim().split('\n').slice(-TAIL_LINES).join(' | ');
}
