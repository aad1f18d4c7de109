import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addCalendarWindow } from '../../src/domain/calendar.ts';
import { DAY_MS, HOUR_MS, runs } from '../support/arbitraries.ts';

const BERLIN = 'Europe/Berlin';
const ZONES = ['UTC', BERLIN, 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kathmandu', 'America/St_Johns'];

function local(at: number, timeZone: string): string {
  return new Date(at).toLocaleString('sv-SE', { timeZone, timeStyle: 'medium' }).slice(-8);
}

describe('a window of days', () => {
  // from, days and hours, zone → to
  test.each([
    ['2026-01-15T12:00:00Z', 1, 0, BERLIN, '2026-01-16T12:00:00Z'],
    // 29 March 2026: the clocks of Berlin go from 02:00 to 03:00, so this day has 23 hours.
    ['2026-03-28T17:00:00Z', 1, 0, BERLIN, '2026-03-29T16:00:00Z'],
    ['2026-03-28T17:00:00Z', 14, 0, BERLIN, '2026-04-11T16:00:00Z'],
    ['2026-03-28T17:00:00Z', 14, 0, 'UTC', '2026-04-11T17:00:00Z'],
    // 02:30 is left out that night; an hour later it is 03:30.
    ['2026-03-28T01:30:00Z', 1, 0, BERLIN, '2026-03-29T01:30:00Z'],
    ['2026-03-28T01:30:00Z', 2, 0, BERLIN, '2026-03-30T00:30:00Z'],
    // 25 October 2026: from 03:00 back to 02:00, so this day has 25 hours, and 02:30 comes twice: the first counts.
    ['2026-10-24T17:00:00Z', 1, 0, BERLIN, '2026-10-25T18:00:00Z'],
    ['2026-10-24T00:30:00Z', 1, 0, BERLIN, '2026-10-25T00:30:00Z'],
    ['2026-10-25T01:30:00Z', 1, 0, BERLIN, '2026-10-26T01:30:00Z'],
    // What is no whole day runs by the clock.
    ['2026-03-28T23:00:00Z', 0, 23, BERLIN, '2026-03-29T22:00:00Z'],
    ['2026-03-28T22:00:00Z', 1, 12, BERLIN, '2026-03-30T09:00:00Z'],
    ['2026-03-07T15:00:00.250Z', 1, 0, 'America/New_York', '2026-03-08T14:00:00.250Z'],
    ['2026-10-31T15:00:00Z', 1, 0, 'America/New_York', '2026-11-01T16:00:00Z'],
  ])('from %s for %i d %i h in %s ends %s', (from, days, hours, zone, to) => {
    const end = addCalendarWindow(Date.parse(from), days * DAY_MS + hours * HOUR_MS, zone);
    expect(new Date(end).toISOString()).toBe(new Date(to).toISOString());
  });

  test('ends at the same local time, unless that time is left out', () => {
    const at = fc.integer({ min: Date.UTC(2024, 0, 1), max: Date.UTC(2030, 0, 1) });
    fc.assert(
      fc.property(at, fc.integer({ min: 1, max: 400 }), fc.constantFrom(...ZONES), (from, days, zone) => {
        const end = addCalendarWindow(from, days * DAY_MS, zone);
        expect(Math.abs(end - from - days * DAY_MS)).toBeLessThanOrEqual(HOUR_MS);
        if (local(end, zone) === local(from, zone)) return;
        // Just before the time that is left out, the clocks still showed an earlier one; then they jumped past it.
        const wanted = local(from, zone);
        const shown = Array.from({ length: 121 }, (_, minute) => local(end - (minute - 60) * 60_000, zone).slice(0, 5));
        expect(shown).not.toContain(wanted.slice(0, 5));
      }),
      runs(),
    );
  });

  test('is longer where more days are asked for', () => {
    const at = fc.integer({ min: Date.UTC(2024, 0, 1), max: Date.UTC(2030, 0, 1) });
    fc.assert(
      fc.property(at, fc.nat(40 * 24), fc.constantFrom(...ZONES), (from, hours, zone) => {
        const ends = [hours, hours + 24].map((window) => addCalendarWindow(from, window * HOUR_MS, zone));
        expect(ends[1]).toBeGreaterThan(ends[0] ?? 0);
        expect(ends[0]).toBeGreaterThanOrEqual(from);
      }),
      runs(),
    );
  });
});
