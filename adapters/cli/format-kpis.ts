import { type Duration, durationMs, timestampDate } from '@bufbuild/protobuf/wkt';
import type {
  DurationFigures,
  GetKpisResponse,
  KpiReservation,
  Kpis,
} from '../../src/gen/earmark/v1/kpi_service_pb.ts';
import { ReservationStateSchema } from '../../src/gen/earmark/v1/reservation_pb.ts';
import { shortName } from './short-enum.ts';
import { type Column, formatTable } from './table.ts';

const UNITS: readonly (readonly [unit: string, ms: number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
];

const left = (title: string): Column => ({ title, align: 'left' });
const right = (title: string): Column => ({ title, align: 'right' });

const NAME_WIDTH = 22;

/** The period, its figures one a line, and the breakdown as a table. */
export function formatKpis({ total, groups, startTime, endTime, timeZone }: GetKpisResponse): string {
  const instant = (time: typeof startTime) => (time === undefined ? '' : timestampDate(time).toISOString());
  const period = `${instant(startTime)} to ${instant(endTime)} · days of ${timeZone}`;
  const numbers = total === undefined ? [] : figuresOf(total);
  const table = groups.length === 0 ? [] : ['', formatTable(GROUP_COLUMNS, groups.map(groupRow))];
  return [period, ...numbers.map(([name, text]) => `${name.padEnd(NAME_WIDTH)}${text}`), ...table].join('\n');
}

function figuresOf(kpis: Kpis): [name: string, text: string][] {
  const saving =
    kpis.manualBaseline === undefined
      ? ''
      : ` · by hand ${duration(kpis.manualBaseline)}, ${percent(kpis.dispatchSavingPercent)} saved`;
  return [
    ['resolved', String(kpis.resolved)],
    ['time to prepare', durations(kpis.prepareTime)],
    ['time to dispatch', `${durations(kpis.dispatchTime)}${saving}`],
    ['stock errors', share(kpis.stockErrors, kpis.stockErrorPercent, kpis.reserved)],
    ['refused, no stock', share(kpis.noStockRefusals, kpis.noStockPercent, kpis.decidedRequests)],
    ['manual interventions', share(kpis.manualInterventions, kpis.manualInterventionPercent, kpis.resolved)],
    ['expired', share(kpis.expired, kpis.expiredPercent, kpis.resolved)],
    ['time on the waitlist', durations(kpis.waitlistTime)],
    ['idle reserved units', String(kpis.idleReservedUnits)],
  ];
}

const GROUP_COLUMNS: readonly Column[] = [
  left('KEY'),
  right('RESOLVED'),
  right('PREPARE P50'),
  right('P90'),
  right('DISPATCH P50'),
  right('STOCK ERRORS'),
  right('NO STOCK'),
  right('MANUAL'),
  right('EXPIRED'),
  right('IDLE UNITS'),
];

function groupRow({ key, kpis }: GetKpisResponse['groups'][number]): string[] {
  if (kpis === undefined) return [key];
  return [
    key,
    String(kpis.resolved),
    duration(kpis.prepareTime?.p50),
    duration(kpis.prepareTime?.p90),
    duration(kpis.dispatchTime?.p50),
    percent(kpis.stockErrorPercent),
    percent(kpis.noStockPercent),
    percent(kpis.manualInterventionPercent),
    percent(kpis.expiredPercent),
    String(kpis.idleReservedUnits),
  ];
}

const LISTED_COLUMNS: readonly Column[] = [
  left('TRACKING ID'),
  left('STATE'),
  left('RESOLVED'),
  left('CHANNEL'),
  right('PREPARE'),
  right('DISPATCH'),
  right('WAITED'),
  left('NOTES'),
];

/** The reservations as a table; nothing where there are none, or a word about that. */
export function formatKpiReservations(listed: readonly KpiReservation[], saysNone: boolean): string {
  if (listed.length === 0) return saysNone ? 'There is no such reservation.' : '';
  return formatTable(LISTED_COLUMNS, listed.map(listedRow));
}

function listedRow(one: KpiReservation): string[] {
  const notes = [one.stockError ? 'stock error' : '', one.manualIntervention ? 'by hand' : ''];
  return [
    one.trackingId,
    shortName(ReservationStateSchema, one.state),
    one.resolveTime === undefined ? '' : timestampDate(one.resolveTime).toISOString(),
    one.channel,
    duration(one.prepareTime),
    duration(one.dispatchTime),
    duration(one.waitlistTime),
    notes.filter((note) => note !== '').join(', '),
  ];
}

function durations(figures: DurationFigures | undefined): string {
  if (figures === undefined || figures.count === 0n) return '–';
  const parts = [
    `average ${duration(figures.average)}`,
    `half within ${duration(figures.p50)}`,
    `90 % ${duration(figures.p90)}`,
    `99 % ${duration(figures.p99)}`,
  ];
  return `${parts.join(', ')} (of ${figures.count})`;
}

/** In the largest unit of which there is one, with a decimal. */
function duration(length: Duration | undefined): string {
  if (length === undefined) return '–';
  const ms = durationMs(length);
  const [unit, size] = UNITS.find(([, each]) => ms >= each) ?? ['ms', 1];
  return `${size === 1 ? ms : (ms / size).toFixed(1)} ${unit}`;
}

function share(part: bigint, ofWhole: number, whole: bigint): string {
  return `${part} of ${whole} (${percent(ofWhole)})`;
}

function percent(value: number): string {
  return `${value.toFixed(1)} %`;
}
