import { type Belonging, KPI_GROUPS_MAX, KpiBook, type KpiGrouping, type Kpis } from '../domain/kpi.ts';
import { type Refusal, refuse } from '../domain/refusal.ts';
import type { KpiChunk, KpiFilter, KpiReader } from '../ports/kpi-reader.ts';
import type { RulesReader } from '../ports/rules-reader.ts';

const DAY_MS = 86_400_000;

/** The longest period, in milliseconds: 3,660 days, some ten years. Also the period where none begins. */
export const KPI_PERIOD_MAX_MS = 3_660 * DAY_MS;

/** Reservations one answer is made of at most, so that it comes in half a minute. */
export const KPI_RESERVATIONS_MAX = 500_000;

interface Deps {
  readonly kpis: KpiReader;
  readonly rules: RulesReader;
}

/** A period as asked for; null means that it begins as early as it may, or ends now. */
export interface KpiPeriod {
  readonly from: number | null;
  readonly until: number | null;
}

export interface KpiQuestion {
  readonly filter: KpiFilter;
  readonly grouping: KpiGrouping | null;
  /** Reservations resolved or made in the period at most; more are refused. */
  readonly reservationsMax?: number;
}

export interface KpiReport {
  readonly total: Kpis;
  readonly groups: readonly { readonly key: string; readonly kpis: Kpis }[];
  /** IANA name of the zone whose days count. */
  readonly timeZone: string;
}

/** The period with both ends, or why it is none. */
export async function boundPeriod(
  { kpis }: Pick<Deps, 'kpis'>,
  asked: KpiPeriod,
): Promise<{ readonly from: number; readonly until: number } | Refusal> {
  const until = asked.until ?? (await kpis.now());
  const from = asked.from ?? Math.max(0, until - KPI_PERIOD_MAX_MS);
  if (from >= until) return invalidStart('is not before the end of the period', until);
  if (until - from > KPI_PERIOD_MAX_MS) {
    return invalidStart(`is more than ${KPI_PERIOD_MAX_MS / DAY_MS} days before the end of the period`, until);
  }
  return { from, until };
}

function invalidStart(problem: string, until: number): Refusal {
  return refuse('INVALID_FIELD', `start_time: ${problem}`, {
    field: 'start_time',
    description: problem,
    end_time: new Date(until).toISOString(),
  });
}

/**
 * The KPIs over the reservations resolved in a period, by the rules that hold now.
 * @returns the refusal TOO_LARGE where the period or the breakdown holds more than one answer may
 */
export async function computeKpis(
  deps: Deps,
  question: KpiQuestion,
  signal: AbortSignal,
): Promise<KpiReport | Refusal> {
  const { filter, grouping } = question;
  const [rules, now] = [await deps.rules.current(), await deps.kpis.now()];
  const book = new KpiBook(grouping, rules.timeZone);
  const max = question.reservationsMax ?? KPI_RESERVATIONS_MAX;
  const idle = deps.kpis.idle(filter, now - rules.defaultHoldWindowMs);
  const refusal =
    (await collect(deps.kpis.resolved(filter, grouping), (one) => book.addCase(one), book, max, signal)) ??
    (await collect(deps.kpis.decided(filter, grouping), (one) => book.addRequests(one), book, max, signal)) ??
    (await collect(idle, (one) => book.addIdle(one), book, Number.POSITIVE_INFINITY, signal));
  if (refusal !== null) return refusal;
  return {
    total: book.total(rules.manualBaselineMs),
    groups: book.groups(rules.manualBaselineMs),
    timeZone: rules.timeZone,
  };
}

async function collect<T extends Belonging>(
  chunks: AsyncIterable<KpiChunk<T>>,
  add: (one: T) => void,
  book: KpiBook,
  max: number,
  signal: AbortSignal,
): Promise<Refusal | null> {
  let lookedAt = 0;
  for await (const chunk of chunks) {
    signal.throwIfAborted();
    lookedAt += chunk.lookedAt;
    if (lookedAt > max) {
      return refuse('TOO_LARGE', `the period holds more than ${max} reservations; ask for a shorter one`, {
        field: 'start_time',
        limit: max,
      });
    }
    for (const row of chunk.rows) add(row);
    if (book.groupCount > KPI_GROUPS_MAX) {
      return refuse('TOO_LARGE', `the breakdown has more than ${KPI_GROUPS_MAX} keys`, {
        field: 'group_by',
        limit: KPI_GROUPS_MAX,
      });
    }
  }
  return null;
}
