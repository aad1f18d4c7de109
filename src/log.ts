import { isSpanContextValid, type SpanContext, trace } from '@opentelemetry/api';
import { type DestinationStream, destination, type LoggerOptions, pino, stdTimeFunctions } from 'pino';
import { type LogLevel, maskUrl } from './config.ts';

/**
 * Facts about an event, by camelCase names: text, numbers, truth values, or lists of them. Anything else (a request,
 * a row, a message) is left out, for it may hold what customers wrote.
 */
export interface LogFields {
  /** The span the line belongs to; the active one when absent. */
  readonly trace?: SpanContext | null;
  /** Whatever was thrown. Only its name, message, code and stack are written. */
  readonly error?: unknown;
  /** Names that each line has already. */
  readonly event?: never;
  readonly level?: never;
  readonly time?: never;
  readonly pid?: never;
  readonly [fact: string]: unknown;
}

/** Writes one JSON line per event; an event is a kebab-case name. */
export interface Logger {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
}

const TEXT_LENGTH_MAX = 2_000;
const STACK_LENGTH_MAX = 4_000;
const LIST_LENGTH_MAX = 50;
const STANDARD_ERROR = 2;
const OMITTED = '[omitted]';
const CONFIDENTIAL_NAMES = /pass|secret|token|authori[sz]ation|cookie|customer|postal/i;
// The bound on the scheme keeps the search linear in a long text.
const URLS = /[a-z][a-z0-9+.-]{0,30}:\/\/[^\s"'`<>()]+/gi;

/** Logs from `level` on to `stream`; standard error when absent, for standard output carries the ready line alone. */
export function createLogger(level: LogLevel, stream?: DestinationStream): Logger {
  const options: LoggerOptions = {
    level,
    base: { pid: process.pid },
    messageKey: 'event',
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  };
  const sink = pino(options, stream ?? destination({ dest: STANDARD_ERROR, sync: true }));
  const write =
    (at: LogLevel) =>
    (event: string, fields: LogFields = {}) => {
      if (sink.isLevelEnabled(at)) sink[at](toLine(fields), event);
    };
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
}

function toLine(fields: LogFields): Record<string, unknown> {
  const { trace: given, error, ...facts } = fields;
  const line: Record<string, unknown> = {};
  const span = given ?? trace.getActiveSpan()?.spanContext();
  if (span !== undefined && isSpanContextValid(span)) {
    line.trace_id = span.traceId;
    line.span_id = span.spanId;
  }
  for (const [name, value] of Object.entries(facts)) line[name] = toFact(name, value);
  if (error !== undefined) line.error = toErrorFacts(error);
  return line;
}

function toFact(name: string, value: unknown): unknown {
  if (CONFIDENTIAL_NAMES.test(name)) return OMITTED;
  if (Array.isArray(value)) return value.slice(0, LIST_LENGTH_MAX).map(toPlain);
  return toPlain(value);
}

function toPlain(value: unknown): unknown {
  if (typeof value === 'string') return maskText(value, TEXT_LENGTH_MAX);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'number' || typeof value === 'boolean' || value === null || value === undefined) return value;
  return OMITTED;
}

function toErrorFacts(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { message: maskText(String(error), TEXT_LENGTH_MAX) };
  const code = (error as { code?: unknown }).code;
  return {
    name: error.name,
    message: maskText(error.message, TEXT_LENGTH_MAX),
    ...(typeof code === 'string' || typeof code === 'number' ? { code } : {}),
    ...(error.stack === undefined ? {} : { stack: maskText(error.stack, STACK_LENGTH_MAX) }),
  };
}

/** Drivers put the address they failed to reach into their messages, password and all. */
function maskText(text: string, lengthMax: number): string {
  return text.replace(URLS, (url) => (url.startsWith('file:') ? url : maskUrl(url))).slice(0, lengthMax);
}
