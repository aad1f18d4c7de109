import type { Milestone } from '../../../src/domain/milestone-rules.ts';
import type { Ref, SimRules, SimTarget } from '../commands.ts';

/** One part of a line at one warehouse, as the model keeps it. */
export interface ModelPart {
  warehouse: string;
  reserved: number;
  picked: number;
  short: number;
  /** Units the pool lacks, beside the short ones. */
  missing: number;
  fulfilled: number;
  released: number;
}

/** What a line waits for, and since when. */
export interface ModelWaiting {
  units: number;
  warehouse: string;
  since: number;
  holdWindowMs: number;
}

export interface ModelLine {
  lineNumber: number;
  sku: string;
  /** What was asked for, where it is something else; else empty. */
  insteadOf: string;
  quantity: number;
  orderLineId: string;
  /** When a swap or transfer last changed it; 0 while it is as reserved. */
  changedAt: number;
  /** Its request named the warehouse. */
  pinned: boolean;
  waiting: ModelWaiting | null;
  /** In the order of their warehouse codes. */
  parts: ModelPart[];
}

export type ModelState = 'WAITLISTED' | 'RESERVED' | 'PREPARING' | 'READY' | 'FULFILLED' | 'RELEASED' | 'EXPIRED';

export interface ModelReservation {
  exchangeId: string;
  ordinal: number;
  /** Position of its request among all that were sent: the newest has the highest. */
  rank: number;
  orderId: string;
  priority: number;
  isSale: boolean;
  /** The rules it was decided by. */
  rules: SimRules;
  state: ModelState;
  version: number;
  createdAt: number;
  expireAt: number;
  /** The deadline of which a warning was sent last; 0 before. */
  warnedFor: number;
  resolvedAt: number | null;
  releaseReason: string | null;
  overdueFlagged: boolean;
  /** The milestone without which no pick is asked for; null where none is awaited. */
  pickAwaits: Milestone | null;
  /** What was reported of it. */
  reached: Milestone[];
  /** What people were told of it, each kind once, in the order of its letters. */
  notices: string[];
  /** Those of a swap take the place of the others, under numbers that were never used. */
  lines: ModelLine[];
}

export interface ModelPool {
  sku: string;
  warehouse: string;
  onHand: number;
  unavailable: number;
  committed: number;
  countedAt: number;
  /** Changes of on hand and when they happened in the warehouse. */
  moves: { at: number; delta: number }[];
}

export interface ModelClaim {
  hash: string;
  answer: ModelOutcome;
}

/** A shortage of one pool, open until its stock has recovered. */
export interface ModelShortage {
  key: string;
  quantity: number;
  most: number;
  /** The most that each line lacked, by reservation and line. */
  victims: Record<string, number>;
}

/** What a command answered, in a form that the model and the service can both be brought to. */
export type ModelOutcome =
  | { readonly refused: string }
  | { readonly reservation: unknown; readonly applied?: boolean; readonly replayed: boolean }
  | { readonly levels: unknown; readonly replayed: boolean }
  | { readonly rules: 'put'; readonly replayed: boolean }
  | { readonly verdict: string }
  | { readonly swept: true };

/**
 * The whole service in memory, one plain value. Keeps no counter of reserved units: it is always the sum of the lines,
 * so that the model cannot drift in the way it is there to detect.
 */
export interface Model {
  now: number;
  pools: Map<string, ModelPool>;
  reservations: ModelReservation[];
  /** Units bought by order and order line; the first known number stands. */
  purchased: Map<string, number>;
  claims: Map<string, ModelClaim>;
  /** Versions put in this history, oldest first. */
  rules: { effectiveAt: number; rules: SimRules }[];
  shortages: ModelShortage[];
  /** What was reported of each exchange, whatever reservation it had by then. */
  reported: Map<string, Milestone[]>;
  /** Exchanges that a terminal milestone has closed. */
  closed: string[];
  /** Position of the request that is decided now. */
  rank: number;
  /** Ranks of the reservations that went short, were extended or were told that their deadline is near, lately. */
  alarmed: number[];
}

export const SKUS = ['SKU-A', 'SKU-B', 'SKU-C'] as const;

/** What may be held instead, best first. */
export const EQUIVALENTS = { 'SKU-A': ['SKU-C', 'SKU-B'], 'SKU-B': ['SKU-C'], 'SKU-C': [] } as const;

/** In priority order, which is not the order of their codes. */
export const WAREHOUSES = ['W2', 'W1'] as const;

export const WMS = 'sim';

export function emptyModel(now: number): Model {
  return {
    now,
    pools: new Map(),
    reservations: [],
    purchased: new Map(),
    claims: new Map(),
    rules: [],
    shortages: [],
    reported: new Map(),
    closed: [],
    rank: 0,
    alarmed: [],
  };
}

export function poolOf(model: Model, sku: string, warehouse: string): ModelPool {
  const key = `${sku}@${warehouse}`;
  const known = model.pools.get(key);
  if (known !== undefined) return known;
  const pool = { sku, warehouse, onHand: 0, unavailable: 0, committed: 0, countedAt: 0, moves: [] };
  model.pools.set(key, pool);
  return pool;
}

export function isKnownSku(sku: string): boolean {
  return (SKUS as readonly string[]).includes(sku);
}

export function isKnownWarehouse(warehouse: string): boolean {
  return (WAREHOUSES as readonly string[]).includes(warehouse);
}

/** What no warehouse has begun: it expires, and can be swapped and transferred. */
export function isMovable({ state }: ModelReservation): boolean {
  return state === 'RESERVED' || state === 'WAITLISTED';
}

/** Nobody is asked to pick while something waits, or the pick awaits a milestone. */
export function isPickAsked({ state, pickAwaits }: ModelReservation): boolean {
  return state !== 'WAITLISTED' && pickAwaits === null;
}

export function isWaiting(lines: readonly ModelLine[]): boolean {
  return lines.some((line) => line.waiting !== null);
}

export function isLive(reservation: ModelReservation): boolean {
  return isMovable(reservation) || ['PREPARING', 'READY'].includes(reservation.state);
}

/** @param whose counts only what these hold */
export function reservedIn(
  model: Model,
  sku: string,
  warehouse: string,
  whose: (reservation: ModelReservation) => boolean = () => true,
): number {
  return model.reservations
    .filter(whose)
    .flatMap((reservation) => reservation.lines.filter((line) => line.sku === sku))
    .flatMap((line) => line.parts.filter((part) => part.warehouse === warehouse))
    .reduce((sum, part) => sum + part.reserved, 0);
}

/** Units of an order line that are held, consumed or waited for now. */
export function exchangedOf(model: Model, orderId: string, orderLineId: string): number {
  return model.reservations
    .filter((reservation) => reservation.orderId === orderId)
    .flatMap((reservation) => reservation.lines.filter((line) => line.orderLineId === orderLineId))
    .reduce(
      (sum, line) =>
        line.parts.reduce((units, part) => units + part.reserved + part.fulfilled, sum + (line.waiting?.units ?? 0)),
      0,
    );
}

export function lineOf(reservation: ModelReservation, lineNumber: number): ModelLine | undefined {
  return reservation.lines.find((line) => line.lineNumber === lineNumber);
}

export function latestOf(model: Model, exchangeId: string): ModelReservation | undefined {
  return model.reservations.filter((reservation) => reservation.exchangeId === exchangeId).at(-1);
}

export function byRef(model: Model, ref: Ref): ModelReservation | undefined {
  return model.reservations.find((one) => one.exchangeId === ref.exchangeId && one.ordinal === ref.ordinal);
}

export function findTarget(model: Model, target: SimTarget): ModelReservation | undefined {
  return target.by === 'exchange' ? latestOf(model, target.exchangeId) : byRef(model, target);
}

export function tell(reservation: ModelReservation, kind: string): void {
  reservation.notices = [...new Set([...reservation.notices, kind])].sort();
}

/** Gives back all that is held and waits for nothing any more. */
export function giveBack(reservation: ModelReservation): void {
  for (const part of reservation.lines.flatMap((line) => line.parts)) {
    part.released += part.reserved;
    part.reserved = 0;
    part.picked = 0;
    part.short = 0;
    part.missing = 0;
  }
  for (const line of reservation.lines) line.waiting = null;
}

/** What is past its deadline is free, whether anybody has swept it or not. */
export function freeDue(model: Model): void {
  for (const reservation of model.reservations) {
    if (!isMovable(reservation) || reservation.expireAt > model.now) continue;
    giveBack(reservation);
    tell(reservation, 'EXPIRED');
    reservation.state = 'EXPIRED';
    reservation.releaseReason = 'EXPIRED';
    reservation.resolvedAt = model.now;
    reservation.version += 1;
  }
}

/** What would be on hand if units left at an instant: what left before the last count is counted already. */
export function onHandAfter(model: Model, key: string, units: number, at: number): number {
  const pool = model.pools.get(key);
  if (pool === undefined) return -units;
  return at < pool.countedAt ? pool.onHand : pool.onHand - units;
}

export function takeOffHand(model: Model, key: string, units: number, at: number): void {
  const pool = model.pools.get(key);
  if (pool === undefined || at < pool.countedAt) return;
  pool.onHand -= units;
  pool.moves.push({ at, delta: -units });
}
