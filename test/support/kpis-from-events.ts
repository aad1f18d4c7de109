import type { KpiGrouping, Kpis } from '../../src/domain/kpi.ts';
import type { Reservation } from '../../src/domain/reservation.ts';
import type { Rules } from '../../src/domain/rules.ts';
import type { AuditEvent, EventReader } from '../../src/ports/event-reader.ts';
import type { KpiFilter } from '../../src/ports/kpi-reader.ts';
import { NO_EVENT_FILTER } from './event-filter.ts';

/** One reservation as its events tell it, or one record of refusals. */
interface Story {
  readonly events: readonly AuditEvent[];
  readonly states: readonly Reservation[];
  readonly channel: string;
  readonly skus: ReadonlySet<string>;
  readonly places: ReadonlySet<string>;
  readonly warehouses: ReadonlySet<string>;
}

interface Refused {
  readonly event: AuditEvent;
  readonly times: number;
  readonly sku: string;
  readonly warehouse: string;
}

export interface ToldKpis {
  readonly total: Omit<Kpis, 'manualBaselineMs' | 'dispatchSavingPercent'>;
  readonly groups: readonly { readonly key: string; readonly kpis: ToldKpis['total'] }[];
}

/** Reads every event there is, as a caller of ListEvents would. */
export async function allEvents(reader: EventReader): Promise<AuditEvent[]> {
  const events: AuditEvent[] = [];
  let token = '';
  do {
    const page = await reader.list(NO_EVENT_FILTER, { size: 500, token });
    events.push(...page.rows);
    token = page.nextPageToken;
  } while (token !== '');
  return events;
}

/** The KPIs by their definitions, from what ListEvents tells alone. It shares no code with the service. */
export function kpisFromEvents(
  events: readonly AuditEvent[],
  filter: KpiFilter,
  grouping: KpiGrouping | null,
  rules: Rules,
  now: number,
): ToldKpis {
  const stories = storiesOf(events).filter((story) => isMeant(story, filter));
  const refused = events.filter((event) => event.kind === 'refused').map(toRefused);
  const named = refused.filter(
    ({ event, sku, warehouse }) =>
      matches(filter.channel, event.channel) && matches(filter.sku, sku) && matches(filter.warehouse, warehouse),
  );
  const isInside = (at: number) => at >= filter.from && at < filter.until;
  const figures = (isOfKey: (at: number | null, channel: string, skus: Names, warehouses: Names) => boolean) => {
    const ended = stories.filter(({ states, channel, skus, warehouses }) => {
      const at = states.at(-1)?.resolvedAt ?? null;
      return at !== null && isInside(at) && isOfKey(at, channel, skus, warehouses);
    });
    const made = stories.filter(({ events: [first], channel, skus, warehouses }) => {
      const at = first?.createdAt ?? 0;
      return isInside(at) && isOfKey(at, channel, skus, warehouses);
    });
    const no = named.filter(({ event, sku, warehouse }) => {
      return isInside(event.createdAt) && isOfKey(event.createdAt, event.channel, new Set([sku]), new Set([warehouse]));
    });
    const idle = stories
      .filter(({ states }) => isHolding(states.at(-1), now))
      .filter(({ events: told }) => (told.at(-1)?.createdAt ?? 0) < now - rules.defaultHoldWindowMs)
      .flatMap(({ states, channel }) =>
        (states.at(-1)?.lines ?? []).flatMap((line) =>
          line.allocations
            .filter((part) => matches(filter.sku, line.sku) && matches(filter.warehouse, part.warehouse))
            .filter((part) => isOfKey(null, channel, new Set([line.sku]), new Set([part.warehouse])))
            .map((part) => part.reserved),
        ),
      );
    return kpisOf(ended, made.length, no, idle);
  };
  const total = figures(() => true);
  if (grouping === null) return { total, groups: [] };
  const keys = new Set<string>();
  const keysOf = (at: number | null, channel: string, skus: Names, warehouses: Names): string[] =>
    ({
      DAY: at === null ? [] : [dayIn(rules.timeZone, at)],
      CHANNEL: [channel],
      SKU: [...skus].filter((sku) => sku !== ''),
      WAREHOUSE: [...warehouses].filter((warehouse) => warehouse !== ''),
    })[grouping];
  figures((...belonging) => {
    for (const key of keysOf(...belonging)) keys.add(key);
    return true;
  });
  const groups = [...keys]
    .map((key) => ({ key, kpis: figures((...belonging) => keysOf(...belonging).includes(key)) }))
    .filter(({ kpis }) => kpis.resolved + kpis.decidedRequests + kpis.idleReservedUnits > 0)
    .sort((a, b) => (a.key < b.key ? -1 : 1));
  return { total, groups };
}

function isHolding(last: Reservation | undefined, now: number): boolean {
  const isFreed = last?.state === 'RESERVED' || last?.state === 'WAITLISTED' ? last.expireAt <= now : false;
  return last?.resolvedAt === null && !isFreed;
}

type Names = ReadonlySet<string>;

function storiesOf(events: readonly AuditEvent[]): Story[] {
  const byId = Map.groupBy(
    events.filter((event) => event.kind !== 'refused'),
    (event) => event.reservationId,
  );
  return [...byId.values()].map((mixed) => {
    const told = mixed.toSorted((a, b) => a.version - b.version);
    const states = told.map((event) => JSON.parse(event.afterJson) as Reservation);
    const parts = states.flatMap(({ lines }) =>
      lines.flatMap(({ sku, allocations }) => allocations.map(({ warehouse }) => ({ sku, warehouse }))),
    );
    const asked = states.at(-1)?.lines.map((line) => line.sku) ?? [];
    return {
      events: told,
      states,
      channel: states[0]?.channel ?? '',
      skus: new Set([...parts.map((part) => part.sku), ...asked]),
      warehouses: new Set(parts.map((part) => part.warehouse)),
      places: new Set(parts.map((part) => `${part.sku}@${part.warehouse}`)),
    };
  });
}

function isMeant({ channel, skus, warehouses, places }: Story, filter: KpiFilter): boolean {
  if (!matches(filter.channel, channel)) return false;
  if (filter.sku !== '' && filter.warehouse !== '') return places.has(`${filter.sku}@${filter.warehouse}`);
  return (filter.sku === '' || skus.has(filter.sku)) && (filter.warehouse === '' || warehouses.has(filter.warehouse));
}

function matches(wanted: string, found: string): boolean {
  return wanted === '' || wanted === found;
}

function toRefused(event: AuditEvent): Refused {
  const { times, metadata } = JSON.parse(event.afterJson) as { times: number; metadata: Record<string, string> };
  return { event, times, sku: metadata.sku ?? '', warehouse: metadata.warehouse ?? '' };
}

function kpisOf(
  ended: readonly Story[],
  made: number,
  refused: readonly Refused[],
  idle: readonly number[],
): ToldKpis['total'] {
  const held = ended.filter((story) => firstHeldAt(story) !== null);
  const errors = held.filter(
    ({ events, states }) =>
      events.some((event) => event.kind === 'short') || states.at(-1)?.releaseReason === 'SHORT_PICKED',
  );
  const byHand = ended.filter(({ events }) => events.some((event) => event.actorType === 'PERSON'));
  const expired = ended.filter(({ states }) => states.at(-1)?.state === 'EXPIRED');
  const noStock = sum(refused.filter(({ event }) => event.reason === 'NO_STOCK').map(({ times }) => times));
  const decided = made + sum(refused.map(({ times }) => times));
  return {
    resolved: ended.length,
    reserved: held.length,
    prepareTime: durations(held.map((story) => until(story, readyAt(story) ?? fulfilledAt(story)))),
    dispatchTime: durations(held.map((story) => until(story, fulfilledAt(story)))),
    waitlistTime: durations(ended.map(waitOf)),
    stockErrors: errors.length,
    stockErrorPercent: share(errors.length, held.length),
    decidedRequests: decided,
    noStockRefusals: noStock,
    noStockPercent: share(noStock, decided),
    manualInterventions: byHand.length,
    manualInterventionPercent: share(byHand.length, ended.length),
    expired: expired.length,
    expiredPercent: share(expired.length, ended.length),
    idleReservedUnits: sum(idle),
  };
}

function isHeld({ state }: Reservation): boolean {
  return state === 'RESERVED' || state === 'PREPARING' || state === 'READY';
}

function timeWhere({ states, events }: Story, claim: (state: Reservation, at: number) => boolean): number | null {
  const at = states.findIndex(claim);
  return at < 0 ? null : (events[at]?.createdAt ?? null);
}

function firstHeldAt(story: Story): number | null {
  return timeWhere(story, isHeld);
}

function readyAt(story: Story): number | null {
  return timeWhere(story, ({ state }) => state === 'READY');
}

function fulfilledAt(story: Story): number | null {
  return timeWhere(story, ({ state }) => state === 'FULFILLED');
}

function until(story: Story, at: number | null): number | null {
  const from = firstHeldAt(story);
  return from === null || at === null ? null : at - from;
}

function waitOf(story: Story): number | null {
  const since = story.states.findIndex(({ state }) => state === 'WAITLISTED');
  if (since < 0) return null;
  const at = timeWhere(story, (state, index) => index > since && isHeld(state));
  return at === null ? null : at - (story.events[since]?.createdAt ?? 0);
}

/** By counting how many are not longer, and not by rank. */
function durations(known: readonly (number | null)[]) {
  const all = known.filter((ms) => ms !== null);
  const within = (percent: number) => {
    const enough = all.filter((ms) => 100 * all.filter((other) => other <= ms).length >= percent * all.length);
    return enough.length === 0 ? 0 : Math.min(...enough);
  };
  const averageMs = all.length === 0 ? 0 : Math.round(sum(all) / all.length);
  return { count: all.length, averageMs, p50Ms: within(50), p90Ms: within(90), p99Ms: within(99) };
}

function dayIn(timeZone: string, at: number): string {
  return new Intl.DateTimeFormat('en-CA', { timeZone, dateStyle: 'short' }).format(at);
}

function share(part: number, whole: number): number {
  return whole === 0 ? 0 : (part / whole) * 100;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
