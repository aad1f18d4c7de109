import { create } from '@bufbuild/protobuf';
import { durationFromMs, timestampFromMs } from '@bufbuild/protobuf/wkt';
import { expect, test } from 'vitest';
import { formatKpiReservations, formatKpis } from '../../adapters/cli/format-kpis.ts';
import {
  DurationFiguresSchema,
  GetKpisResponseSchema,
  KpiReservationSchema,
  KpisSchema,
} from '../../src/gen/earmark/v1/kpi_service_pb.ts';
import { ReservationState } from '../../src/gen/earmark/v1/reservation_pb.ts';
import { DAY_MS, HOUR_MS, T0 } from '../support/arbitraries.ts';

const FIGURES = create(DurationFiguresSchema, {
  count: 4n,
  average: durationFromMs(90 * 60_000),
  p50: durationFromMs(HOUR_MS),
  p90: durationFromMs(DAY_MS),
  p99: durationFromMs(750),
});

const KPIS = create(KpisSchema, {
  resolved: 8n,
  reserved: 4n,
  stockErrors: 1n,
  stockErrorPercent: 25,
  prepareTime: FIGURES,
  dispatchTime: FIGURES,
  manualBaseline: durationFromMs(3 * HOUR_MS),
  dispatchSavingPercent: 50,
});

test('figures are told with what they are of, and durations in units that people read', () => {
  const text = formatKpis(
    create(GetKpisResponseSchema, { total: KPIS, timeZone: 'UTC', startTime: timestampFromMs(T0) }),
  );
  expect(text).toContain('2026-01-15T12:00:00.000Z to  · days of UTC');
  expect(text).toContain('time to prepare       average 1.5 h, half within 1.0 h, 90 % 1.0 d, 99 % 750 ms (of 4)');
  expect(text).toContain('(of 4) · by hand 3.0 h, 50.0 % saved');
  expect(text).toContain('stock errors          1 of 4 (25.0 %)');
  expect(text).toContain('time on the waitlist  –');
});

test('a breakdown and a list are tables', () => {
  const response = create(GetKpisResponseSchema, { groups: [{ key: 'A', kpis: KPIS }] });
  expect(formatKpis(response)).toMatch(/KEY +RESOLVED[^\n]*\nA +8 +1\.0 h +1\.0 d +1\.0 h +25\.0 %/);
  const one = create(KpiReservationSchema, {
    trackingId: 'EM-1',
    state: ReservationState.FULFILLED,
    stockError: true,
    manualIntervention: true,
  });
  expect(formatKpiReservations([one], true)).toMatch(/EM-1 +FULFILLED .*stock error, by hand$/);
  expect(formatKpiReservations([], false)).toBe('');
});
