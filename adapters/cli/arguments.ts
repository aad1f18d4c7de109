import { type Duration, durationFromMs, type Timestamp, timestampFromMs } from '@bufbuild/protobuf/wkt';
import { normaliseTrackingId } from '../../src/domain/tracking-id.ts';
import { UsageError } from './failures.ts';

/** Units of one line at most, as the contract has it. */
const QUANTITY_MAX = 1_000_000;

/** The longest hold window a request may name, in milliseconds: 3,650 days. */
const DURATION_MAX_MS = 315_360_000_000;

const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

export interface WantedLine {
  readonly sku: string;
  readonly quantity: number;
}

/** What is meant: by internal id, public id or exchange. */
export type TargetChoice =
  | { readonly case: 'reservationId'; readonly value: string }
  | { readonly case: 'trackingId'; readonly value: string }
  | { readonly case: 'exchangeId'; readonly value: string };

/**
 * Reads `SKU` or `SKU:QUANTITY`. A SKU may itself hold colons: only digits behind the last one are a quantity.
 * @throws UsageError
 */
export function parseLine(text: string): WantedLine {
  const match = /^(.+):(\d+)$/.exec(text);
  const [sku, quantity] = match === null ? [text, 1] : [match[1] ?? '', Number(match[2])];
  if (sku.trim() === '') throw new UsageError(`"${text}" names no SKU; write SKU or SKU:QUANTITY`);
  return { sku, quantity: checkQuantity(quantity, text) };
}

/**
 * Reads `NAME=VALUE`, such as `size=43`. A value may itself hold equals signs.
 * @throws UsageError
 */
export function parseAttribute(text: string): Record<string, string> {
  const [, name = '', value = ''] = /^([^=]+)=(.*)$/.exec(text) ?? [];
  if (name.trim() === '') throw new UsageError(`"${text}" is no attribute; write NAME=VALUE, such as size=43`);
  return Object.fromEntries([[name.trim(), value.trim()]]);
}

/**
 * Reads `LINE:QUANTITY`, such as `1:2`.
 * @throws UsageError
 */
export function parseLineQuantity(text: string): { lineNumber: number; quantity: number } {
  const match = /^(\d{1,6}):(\d{1,7})$/.exec(text);
  if (match === null) throw new UsageError(`"${text}" is no line and quantity such as 1:2`);
  return { lineNumber: Number(match[1]), quantity: checkQuantity(Number(match[2]), text) };
}

/**
 * Reads a length of time such as `14d`, `12h`, `30m` or `3600s`.
 * @returns milliseconds, above 0
 * @throws UsageError
 */
export function parseDurationMs(text: string): number {
  const match = /^(\d{1,10})(s|m|h|d)$/.exec(text.trim());
  const ms = match === null ? 0 : Number(match[1]) * (UNIT_MS[match[2] ?? ''] ?? 0);
  if (ms > 0 && ms <= DURATION_MAX_MS) return ms;
  throw new UsageError(`"${text}" is no time between 1s and 3650d; write for example 14d, 12h, 30m or 3600s`);
}

export function parseDuration(text: string): Duration {
  return durationFromMs(parseDurationMs(text));
}

/**
 * Reads an instant such as `2026-12-31` (midnight UTC) or `2026-12-31T18:00:00+01:00`.
 * @throws UsageError
 */
export function parseInstant(text: string): Timestamp {
  const isComplete = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2}))?$/.test(text);
  const ms = isComplete ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms)) {
    throw new UsageError(`"${text}" is no instant; write for example 2026-12-31 or 2026-12-31T18:00:00Z`);
  }
  return timestampFromMs(ms);
}

/**
 * Reads a whole number.
 * @throws UsageError outside `min` to `max`
 */
export function parseWhole(text: string, min: number, max: number): number {
  const number = Number(text);
  if (/^-?\d{1,10}$/.test(text) && number >= min && number <= max) return number;
  throw new UsageError(`"${text}" is no whole number from ${min} to ${max}`);
}

export interface CheckpointChoice {
  readonly size: bigint;
  readonly root: Uint8Array;
}

/**
 * Reads a checkpoint as `audit verify` prints it: SIZE:ROOT, the root as 64 hexadecimal digits.
 * @throws UsageError
 */
export function parseCheckpoint(text: string): CheckpointChoice {
  const [, size, root] = /^([1-9]\d{0,14}):([0-9a-f]{64})$/i.exec(text) ?? [];
  if (size !== undefined && root !== undefined) return { size: BigInt(size), root: Buffer.from(root, 'hex') };
  throw new UsageError(`"${text}" is no checkpoint; write SIZE:ROOT as audit verify prints it`);
}

/**
 * Finds out which reservation is meant. A tracking id may be typed carelessly; its check letter finds the rest.
 * @throws UsageError where nothing, both, or neither kind of id is given
 */
export function parseTarget(id: string | undefined, exchangeId: string | undefined): TargetChoice {
  if ((id === undefined) === (exchangeId === undefined)) {
    throw new UsageError('name one reservation: by its tracking id, its reservation id, or --exchange ID');
  }
  if (exchangeId !== undefined) return { case: 'exchangeId', value: exchangeId };
  const typed = (id ?? '').trim();
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(typed)) {
    return { case: 'reservationId', value: typed.toLowerCase() };
  }
  const trackingId = normaliseTrackingId(typed);
  if (trackingId !== null) return { case: 'trackingId', value: trackingId };
  throw new UsageError(
    `"${typed}" is no tracking id (a letter may be mistyped) and no reservation id; for an exchange use --exchange`,
  );
}

function checkQuantity(quantity: number, text: string): number {
  if (quantity >= 1 && quantity <= QUANTITY_MAX) return quantity;
  throw new UsageError(`the quantity in "${text}" is not between 1 and ${QUANTITY_MAX}`);
}
