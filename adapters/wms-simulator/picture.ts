import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PlannedAnswer, PlannedLine } from './plan-answers.ts';

/** Reservations remembered; beyond that the oldest are forgotten. */
const RESERVATIONS_MAX = 10_000;
const FILE = 'picture.json';

interface Versioned {
  readonly epoch: string;
  readonly version: number;
}

export interface PoolPicture extends Versioned {
  readonly reserved: number;
  readonly onHand: number;
  readonly unavailable: number;
  readonly available: number;
}

export interface ReservationPicture extends Versioned {
  readonly isHeld: boolean;
  readonly lines: readonly PlannedLine[];
}

/** A pick that is under way, with the version of the reservation it was asked for at. */
export interface PickPicture extends Versioned {
  readonly trackingId: string;
  readonly site: string;
  readonly lines: readonly PlannedLine[];
  readonly traceparent: string;
  /** What is still to be answered, the next first. */
  readonly answers: readonly PlannedAnswer[];
  /** When the next answer is due, in milliseconds since the Unix epoch. */
  readonly dueAt: number;
}

/** Everything a simulated warehouse knows, as it survives a restart. */
export interface PictureState {
  /** Names the store: a new one has to be told everything again. */
  readonly instance: string;
  /** By `site/sku`. */
  readonly pools: Record<string, PoolPicture>;
  /** By `site/tracking id`. */
  readonly reservations: Record<string, ReservationPicture>;
  /** By pick id. */
  readonly picks: Record<string, PickPicture>;
  /** Picks that were called off or are done, with the version that said so, by pick id. */
  readonly closedPicks: Record<string, Versioned>;
}

/** The picture kept in `dataDir`, or an empty one where there is none or it cannot be read. */
export function loadPicture(dataDir: string, newInstance: string): PictureState {
  mkdirSync(dataDir, { recursive: true });
  try {
    return JSON.parse(readFileSync(join(dataDir, FILE), 'utf8')) as PictureState;
  } catch {
    return { instance: newInstance, pools: {}, reservations: {}, picks: {}, closedPicks: {} };
  }
}

/** Replaces the kept picture as a whole: a crash leaves the old or the new one. */
export function savePicture(dataDir: string, state: PictureState): void {
  const target = join(dataDir, FILE);
  const draft = `${target}.new`;
  writeFileSync(draft, JSON.stringify(state), { mode: 0o600 });
  renameSync(draft, target);
}

/** Takes an absolute count unless a newer one is known. */
export function setPool(state: PictureState, key: string, pool: PoolPicture): void {
  if (isNewer(pool, state.pools[key])) state.pools[key] = pool;
}

/** Takes the state of a reservation unless a newer one is known. */
export function setReservation(state: PictureState, key: string, reservation: ReservationPicture): void {
  if (!isNewer(reservation, state.reservations[key])) return;
  delete state.reservations[key];
  state.reservations[key] = reservation;
  forgetOldest(state.reservations);
}

/** Starts a pick unless it is known, or was closed at the same or a later version. */
export function openPick(state: PictureState, pickId: string, pick: PickPicture): void {
  if (state.picks[pickId] === undefined && isNewer(pick, state.closedPicks[pickId])) state.picks[pickId] = pick;
}

/** Ends a pick, so that it cannot be started again by an older message. */
export function closePick(state: PictureState, pickId: string, at: Versioned): void {
  delete state.picks[pickId];
  if (!isNewer(at, state.closedPicks[pickId])) return;
  state.closedPicks[pickId] = { epoch: at.epoch, version: at.version };
  forgetOldest(state.closedPicks);
}

function isNewer(next: Versioned, known: Versioned | undefined): boolean {
  if (known === undefined) return true;
  const [nextEpoch, knownEpoch] = [BigInt(next.epoch), BigInt(known.epoch)];
  return nextEpoch === knownEpoch ? next.version > known.version : nextEpoch > knownEpoch;
}

function forgetOldest(entries: Record<string, unknown>): void {
  const keys = Object.keys(entries);
  if (keys.length > RESERVATIONS_MAX) delete entries[keys[0] ?? ''];
}
