import { isDeepStrictEqual } from 'node:util';
import type { KpiGrouping } from '../../src/domain/kpi.ts';
import type { Engine } from '../../src/persistence/engine.ts';
import type { KpiFilter } from '../../src/ports/kpi-reader.ts';
import { computeKpis } from '../../src/use-cases/compute-kpis.ts';
import { allEvents, kpisFromEvents } from '../support/kpis-from-events.ts';
import { SKUS, WAREHOUSES } from './model/state.ts';
import type { SeededRandom } from './random.ts';

const DEADLINE_MS = 20_000;
const MINUTE_MS = 60_000;

const GROUPINGS: readonly (KpiGrouping | null)[] = ['DAY', 'WAREHOUSE', 'CHANNEL', 'SKU', null];

/** Asks for KPIs of a part of a history in one of all ways; answers how they differ from those its events give. */
export async function differingKpis(
  engine: Engine,
  random: SeededRandom,
  period: { readonly from: number; readonly until: number },
): Promise<string[]> {
  const length = period.until - period.from;
  const cut = () => (random.chance(0.5) ? 0 : random.int(0, Math.floor(length / 3)));
  const filter: KpiFilter = {
    from: period.from + cut(),
    until: period.until - cut(),
    warehouse: random.chance(0.3) ? random.pick(WAREHOUSES) : '',
    channel: random.chance(0.2) ? 'web' : '',
    sku: random.chance(0.3) ? random.pick(SKUS) : '',
  };
  const grouping = random.pick(GROUPINGS);
  // Much is idle for minutes; hardly anything is for the two weeks of the first rules.
  const rules = {
    ...(await engine.rules.current()),
    defaultHoldWindowMs: random.int(1, 30) * MINUTE_MS,
    timeZone: 'Asia/Kathmandu',
  };
  const deps = { kpis: engine.kpis, rules: { ...engine.rules, current: () => Promise.resolve(rules) } };
  const report = await computeKpis(deps, { filter, grouping }, AbortSignal.timeout(DEADLINE_MS));
  if ('reason' in report) return [`KPIs were refused: ${report.message}`];
  const told = kpisFromEvents(await allEvents(engine.events), filter, grouping, rules, await engine.kpis.now());
  const found = { total: counted(report.total), groups: report.groups.map(({ key, kpis }) => [key, counted(kpis)]) };
  const expected = { total: told.total, groups: told.groups.map(({ key, kpis }) => [key, kpis]) };
  if (isDeepStrictEqual(found, expected)) return [];
  return [`KPIs by ${grouping} of ${JSON.stringify(filter)}`, JSON.stringify(found), JSON.stringify(expected)];
}

function counted<T extends { manualBaselineMs: number; dispatchSavingPercent: number }>(kpis: T) {
  const { manualBaselineMs: _, dispatchSavingPercent: __, ...rest } = kpis;
  return rest;
}
