import { create } from '@bufbuild/protobuf';
import { type Duration, durationFromMs } from '@bufbuild/protobuf/wkt';
import type { DurationFigures } from '../domain/duration-figures.ts';
import * as kpi from '../domain/kpi.ts';
import {
  type GetKpisRequest,
  KpiGrouping,
  type KpiReservation,
  KpiReservationSchema,
  KpiSelection,
  KpiService,
  type Kpis,
  KpisSchema,
} from '../gen/earmark/v1/kpi_service_pb.ts';
import { ReservationState } from '../gen/earmark/v1/reservation_pb.ts';
import type * as reader from '../ports/kpi-reader.ts';
import type { RulesReader } from '../ports/rules-reader.ts';
import { boundPeriod, computeKpis, type KpiReport } from '../use-cases/compute-kpis.ts';
import { toPageRequest } from './page-mapping.ts';
import { isRefusal } from './reserve-mapping.ts';
import { type Rpc, unary } from './rpc.ts';
import { refusedCall } from './rpc-failure.ts';
import { fromTimestamp, toTimestamp } from './wire-time.ts';

/** Time the KPIs of a long period may take, in milliseconds. */
const KPI_DEADLINE_MS = 60_000;

const GROUPINGS: Readonly<Partial<Record<KpiGrouping, kpi.KpiGrouping>>> = {
  [KpiGrouping.DAY]: 'DAY',
  [KpiGrouping.WAREHOUSE]: 'WAREHOUSE',
  [KpiGrouping.CHANNEL]: 'CHANNEL',
  [KpiGrouping.SKU]: 'SKU',
};

const SELECTIONS: Readonly<Partial<Record<KpiSelection, reader.KpiSelection>>> = {
  [KpiSelection.RESOLVED]: 'RESOLVED',
  [KpiSelection.STOCK_ERRORS]: 'STOCK_ERRORS',
  [KpiSelection.MANUAL_INTERVENTIONS]: 'MANUAL_INTERVENTIONS',
  [KpiSelection.EXPIRED]: 'EXPIRED',
};

interface Deps {
  readonly kpis: reader.KpiReader;
  readonly rules: RulesReader;
}

/** GetKpis. */
export function kpiHandlers(deps: Deps): Rpc[] {
  return [
    unary(
      KpiService.method.getKpis,
      async (request, { signal }) => {
        const asked = { from: fromTimestamp(request.startTime), until: fromTimestamp(request.endTime) };
        const period = await boundPeriod(deps, asked);
        if (isRefusal(period)) throw refusedCall(period);
        const { warehouse, channel, sku } = request;
        const filter = { ...period, warehouse, channel, sku };
        const page = await readPage(deps, request, filter);
        if (request.pageToken !== '') return page;
        const report = await computeKpis(deps, { filter, grouping: GROUPINGS[request.groupBy] ?? null }, signal);
        if (isRefusal(report)) throw refusedCall(report);
        const { from, until } = period;
        return { ...page, ...toNumbers(report), startTime: toTimestamp(from), endTime: toTimestamp(until) };
      },
      { deadlineMs: KPI_DEADLINE_MS },
    ),
  ];
}

async function readPage({ kpis }: Deps, request: GetKpisRequest, filter: reader.KpiFilter) {
  const selection = SELECTIONS[request.list] ?? null;
  if (selection === null) return {};
  const page = await kpis.list(filter, selection, toPageRequest(request));
  return { reservations: page.rows.map(toListed), nextPageToken: page.nextPageToken };
}

function toNumbers({ total, groups, timeZone }: KpiReport) {
  return { total: toKpis(total), groups: groups.map(({ key, kpis }) => ({ key, kpis: toKpis(kpis) })), timeZone };
}

function toKpis(kpis: kpi.Kpis): Kpis {
  return create(KpisSchema, {
    resolved: BigInt(kpis.resolved),
    reserved: BigInt(kpis.reserved),
    prepareTime: toFigures(kpis.prepareTime),
    stockErrors: BigInt(kpis.stockErrors),
    stockErrorPercent: kpis.stockErrorPercent,
    noStockRefusals: BigInt(kpis.noStockRefusals),
    noStockPercent: kpis.noStockPercent,
    manualInterventions: BigInt(kpis.manualInterventions),
    manualInterventionPercent: kpis.manualInterventionPercent,
    dispatchTime: toFigures(kpis.dispatchTime),
    ...(kpis.manualBaselineMs === 0 ? {} : { manualBaseline: durationFromMs(kpis.manualBaselineMs) }),
    dispatchSavingPercent: kpis.dispatchSavingPercent,
    expired: BigInt(kpis.expired),
    expiredPercent: kpis.expiredPercent,
    waitlistTime: toFigures(kpis.waitlistTime),
    idleReservedUnits: BigInt(kpis.idleReservedUnits),
    decidedRequests: BigInt(kpis.decidedRequests),
  });
}

function toFigures({ count, averageMs, p50Ms, p90Ms, p99Ms }: DurationFigures) {
  if (count === 0) return {};
  return {
    count: BigInt(count),
    average: durationFromMs(averageMs),
    p50: durationFromMs(p50Ms),
    p90: durationFromMs(p90Ms),
    p99: durationFromMs(p99Ms),
  };
}

function toListed(one: kpi.ResolvedCase): KpiReservation {
  return create(KpiReservationSchema, {
    reservationId: one.reservationId,
    trackingId: one.trackingId,
    state: ReservationState[one.state],
    resolveTime: toTimestamp(one.at),
    channel: one.channel,
    ...ifKnown('prepareTime', kpi.prepareMs(one)),
    ...ifKnown('dispatchTime', kpi.dispatchMs(one)),
    ...ifKnown('waitlistTime', one.waitMs),
    stockError: kpi.isStockError(one),
    manualIntervention: one.isManual,
  });
}

function ifKnown<Name extends string>(name: Name, ms: number | null): { readonly [name in Name]?: Duration } {
  return ms === null ? {} : ({ [name]: durationFromMs(ms) } as { readonly [name in Name]: Duration });
}
