import { createDayNamer } from './calendar.ts';
import { type DurationFigures, figuresOf } from './duration-figures.ts';
import type { ResolvedState } from './reservation.ts';

/** What the numbers are broken down by. */
export type KpiGrouping = 'DAY' | 'WAREHOUSE' | 'CHANNEL' | 'SKU';

/** Keys one breakdown has at most: more is no overview any more. */
export const KPI_GROUPS_MAX = 1_000;

/** What something counts for. */
export interface Belonging {
  /** When it happened, in milliseconds since the Unix epoch; null where it is of now and of no day. */
  readonly at: number | null;
  readonly channel: string;
  readonly skus: readonly string[];
  readonly warehouses: readonly string[];
}

/** What the events of one resolved reservation say. Its resolution is what it counts by. */
export interface ResolvedCase extends Belonging {
  readonly at: number;
  readonly reservationId: string;
  readonly trackingId: string;
  readonly state: ResolvedState;
  /** When everything it still asked for was held for the first time, or null; milliseconds since the Unix epoch. */
  readonly reservedAt: number | null;
  /** When every held unit was picked for the first time, or null. */
  readonly readyAt: number | null;
  /** From its first waiting to its being held, in milliseconds; null where it never waited or never got it. */
  readonly waitMs: number | null;
  /** A short pick, a shortage, or released because of one. */
  readonly isShort: boolean;
  /** Some event is by a person. Reading and acknowledging make no event. */
  readonly isManual: boolean;
}

/** Requests decided alike: those that made a reservation, and those that were refused. */
export interface DecidedRequests extends Belonging {
  readonly made: number;
  readonly refused: number;
  /** Part of `refused`. */
  readonly noStock: number;
}

/** Units that live reservations hold which nobody has touched for long. */
export interface IdleUnits extends Belonging {
  readonly units: number;
}

/** KPIs over a set of reservations. A rate over nothing is 0; rates are 0 to 100 percent. */
export interface Kpis {
  readonly resolved: number;
  readonly reserved: number;
  readonly prepareTime: DurationFigures;
  readonly dispatchTime: DurationFigures;
  readonly waitlistTime: DurationFigures;
  readonly stockErrors: number;
  readonly stockErrorPercent: number;
  readonly decidedRequests: number;
  readonly noStockRefusals: number;
  readonly noStockPercent: number;
  readonly manualInterventions: number;
  readonly manualInterventionPercent: number;
  readonly expired: number;
  readonly expiredPercent: number;
  /** 0 where the rules do not know how long dispatch took by hand. */
  readonly manualBaselineMs: number;
  /** How much shorter the average dispatch is than the baseline; negative where longer, 0 where either is unknown. */
  readonly dispatchSavingPercent: number;
  readonly idleReservedUnits: number;
}

/** From being held to being ready, or, where nobody told of that, to its being fulfilled; null where neither came. */
export function prepareMs({ reservedAt, readyAt, state, at }: ResolvedCase): number | null {
  if (reservedAt === null) return null;
  const until = readyAt ?? (state === 'FULFILLED' ? at : null);
  return until === null ? null : span(reservedAt, until);
}

/** From being held to being fulfilled; null for what was not. */
export function dispatchMs({ reservedAt, state, at }: ResolvedCase): number | null {
  return reservedAt === null || state !== 'FULFILLED' ? null : span(reservedAt, at);
}

export function isStockError({ reservedAt, isShort }: ResolvedCase): boolean {
  return reservedAt !== null && isShort;
}

/** A clock that was set back makes no negative time. */
function span(from: number, until: number): number {
  return Math.max(0, until - from);
}

/** Collects what the KPIs of one set are made of. */
class KpiTally {
  readonly #counts = { resolved: 0, reserved: 0, errors: 0, manual: 0, expired: 0, decided: 0, noStock: 0, idle: 0 };
  readonly #prepare: number[] = [];
  readonly #dispatch: number[] = [];
  readonly #wait: number[] = [];

  addCase(one: ResolvedCase): void {
    const counts = this.#counts;
    counts.resolved += 1;
    if (one.reservedAt !== null) counts.reserved += 1;
    if (isStockError(one)) counts.errors += 1;
    if (one.isManual) counts.manual += 1;
    if (one.state === 'EXPIRED') counts.expired += 1;
    keep(this.#prepare, prepareMs(one));
    keep(this.#dispatch, dispatchMs(one));
    keep(this.#wait, one.waitMs);
  }

  addRequests({ made, refused, noStock }: DecidedRequests): void {
    this.#counts.decided += made + refused;
    this.#counts.noStock += noStock;
  }

  addIdle({ units }: IdleUnits): void {
    this.#counts.idle += units;
  }

  kpis(manualBaselineMs: number): Kpis {
    const { resolved, reserved, errors, manual, expired, decided, noStock, idle } = this.#counts;
    const dispatchTime = figuresOf(this.#dispatch);
    return {
      resolved,
      reserved,
      prepareTime: figuresOf(this.#prepare),
      dispatchTime,
      waitlistTime: figuresOf(this.#wait),
      stockErrors: errors,
      stockErrorPercent: percent(errors, reserved),
      decidedRequests: decided,
      noStockRefusals: noStock,
      noStockPercent: percent(noStock, decided),
      manualInterventions: manual,
      manualInterventionPercent: percent(manual, resolved),
      expired,
      expiredPercent: percent(expired, resolved),
      manualBaselineMs,
      dispatchSavingPercent: savingPercent(manualBaselineMs, dispatchTime),
      idleReservedUnits: idle,
    };
  }
}

/** The KPIs of everything that is added, and of each key of a breakdown. */
export class KpiBook {
  readonly #total = new KpiTally();
  readonly #groups = new Map<string, KpiTally>();
  readonly #keysOf: (belonging: Belonging) => readonly string[];

  /** @param timeZone IANA name of the zone whose days count */
  constructor(grouping: KpiGrouping | null, timeZone: string) {
    this.#keysOf = keysBy(grouping, timeZone);
  }

  /** How many keys there are so far. */
  get groupCount(): number {
    return this.#groups.size;
  }

  addCase(one: ResolvedCase): void {
    for (const tally of this.#talliesOf(one)) tally.addCase(one);
  }

  addRequests(requests: DecidedRequests): void {
    for (const tally of this.#talliesOf(requests)) tally.addRequests(requests);
  }

  addIdle(idle: IdleUnits): void {
    for (const tally of this.#talliesOf(idle)) tally.addIdle(idle);
  }

  total(manualBaselineMs: number): Kpis {
    return this.#total.kpis(manualBaselineMs);
  }

  /** In the order of the key's code points. */
  groups(manualBaselineMs: number): { readonly key: string; readonly kpis: Kpis }[] {
    return [...this.#groups]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, tally]) => ({ key, kpis: tally.kpis(manualBaselineMs) }));
  }

  #talliesOf(belonging: Belonging): KpiTally[] {
    const tallies = [this.#total];
    for (const key of this.#keysOf(belonging)) {
      const tally = this.#groups.get(key) ?? new KpiTally();
      this.#groups.set(key, tally);
      tallies.push(tally);
    }
    return tallies;
  }
}

function keysBy(grouping: KpiGrouping | null, timeZone: string): (belonging: Belonging) => readonly string[] {
  const dayOf = createDayNamer(timeZone);
  switch (grouping) {
    case 'DAY':
      return ({ at }) => (at === null ? [] : [dayOf(at)]);
    case 'WAREHOUSE':
      return ({ warehouses }) => warehouses;
    case 'CHANNEL':
      return ({ channel }) => [channel];
    case 'SKU':
      return ({ skus }) => skus;
    case null:
      return () => [];
  }
}

function keep(durations: number[], ms: number | null): void {
  if (ms !== null) durations.push(ms);
}

function percent(part: number, whole: number): number {
  return whole === 0 ? 0 : (part / whole) * 100;
}

function savingPercent(baselineMs: number, dispatch: DurationFigures): number {
  if (baselineMs === 0 || dispatch.count === 0) return 0;
  return ((baselineMs - dispatch.averageMs) / baselineMs) * 100;
}
