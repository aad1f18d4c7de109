import { durationMs } from '@bufbuild/protobuf/wkt';
import { Code, type ConnectError } from '@connectrpc/connect';
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from '../../src/gen/google/rpc/error_details_pb.ts';
import { EXIT_REFUSED } from './exit-status.ts';
import { printable } from './table.ts';

/** The command line cannot be understood: exit status 2. */
export class UsageError extends Error {
  override name = 'UsageError';
}

/** What was asked for is not done, for a reason told in the message; without one everything has been told already. */
export class CommandFailure extends Error {
  override name = 'CommandFailure';
  readonly exitStatus: number;

  constructor(message: string, exitStatus = EXIT_REFUSED) {
    super(message);
    this.exitStatus = exitStatus;
  }
}

/** A refusal as the command line tells it. */
export interface ToldRefusal {
  /** The gRPC status code. */
  readonly code: number;
  /** In upper snake case; the status' name where the answer carried no reason of ours. */
  readonly reason: string;
  readonly message: string;
  readonly metadata: Readonly<Record<string, string>>;
}

const REFUSAL_DOMAIN = 'earmark.v1';

/** Reads why a call failed. Answers of other programs on that port count as the service being out of reach. */
export function toRefusal(error: ConnectError, url: string): ToldRefusal {
  const info = error.findDetails(ErrorInfoSchema).find((detail) => detail.domain === REFUSAL_DOMAIN);
  if (info !== undefined) {
    const metadata = { ...info.metadata, ...violationsOf(error), ...retryOf(error) };
    return { code: error.code, reason: info.reason, message: error.rawMessage, metadata };
  }
  const reason = upperSnake(Code[error.code]);
  const told = { code: error.code, reason, metadata: {} };
  if (error.code === Code.Unavailable || isConnectionLoss(error)) {
    const advice = 'start it by "npx earmark start", or say where it is with --url or EARMARK_URL';
    return { ...told, reason: 'UNAVAILABLE', message: `no Earmark answers at ${url}; ${advice}` };
  }
  if (error.code === Code.DeadlineExceeded) return { ...told, message: `${url} did not answer in time` };
  if (error.code === Code.Unimplemented) return { ...told, message: `${url} does not offer this in its version` };
  return { ...told, message: error.rawMessage };
}

/** For people: the reason and the message, then one line per fact. */
export function formatRefusal(refusal: ToldRefusal): string {
  const facts = Object.entries(refusal.metadata)
    .filter(([, value]) => value !== '')
    .sort(([left], [right]) => (left < right ? -1 : 1));
  const width = Math.max(0, ...facts.map(([name]) => name.length));
  const lines = facts.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`);
  return `${[`${refusal.reason}: ${refusal.message}`, ...lines].map(printable).join('\n')}\n`;
}

function isConnectionLoss(error: ConnectError): boolean {
  const cause = error.cause as NodeJS.ErrnoException | undefined;
  return ['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'EHOSTUNREACH', 'EAI_AGAIN'].includes(cause?.code ?? '');
}

function violationsOf(error: ConnectError): Record<string, string> {
  const violations = error.findDetails(BadRequestSchema).flatMap((detail) => detail.fieldViolations);
  return Object.fromEntries(
    violations.map(({ field, description }) => [field === '' ? 'request' : field, description]),
  );
}

function retryOf(error: ConnectError): Record<string, string> {
  const delay = error.findDetails(RetryInfoSchema)[0]?.retryDelay;
  return delay === undefined ? {} : { retry_after: `${durationMs(delay) / 1_000} s` };
}

function upperSnake(name: string | undefined): string {
  return (name ?? 'UNKNOWN').replace(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase();
}
