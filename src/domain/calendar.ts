const DAY_MS = 86_400_000;

const formats = new Map<string, Intl.DateTimeFormat>();

/**
 * The instant a window ends that begins at another. Its whole days are days of the calendar: they end at the same local
 * time, however long the days between are; what is left of the window runs by the clock from there. A local time that
 * the change to summer time leaves out is the one as much later; of one that comes twice it is the first.
 * @param timeZone IANA name
 */
export function addCalendarWindow(at: number, windowMs: number, timeZone: string): number {
  const days = Math.floor(windowMs / DAY_MS);
  if (days === 0) return at + windowMs;
  return fromLocal(at + offsetAt(at, timeZone) + days * DAY_MS, timeZone) + (windowMs - days * DAY_MS);
}

/** Offsets change, and days begin, at whole quarters of an hour. */
const QUARTER_MS = 900_000;

/**
 * Names the local day of an instant, such as `2026-01-31`, and remembers the answers: it is asked for very many instants
 * of few days.
 * @param timeZone IANA name
 */
export function createDayNamer(timeZone: string): (at: number) => string {
  const known = new Map<number, string>();
  return (at) => {
    const quarter = Math.floor(at / QUARTER_MS);
    const day = known.get(quarter) ?? dayAt(at, timeZone);
    known.set(quarter, day);
    return day;
  };
}

function dayAt(at: number, timeZone: string): string {
  const [day = ''] = new Date(at + offsetAt(at, timeZone)).toISOString().split('T');
  return day;
}

/** The first instant at which clocks of the zone show a local time, given as if it were UTC. */
function fromLocal(local: number, timeZone: string): number {
  // No zone has two changes within two days, so one of these offsets holds; the larger one gives the earlier instant.
  const [before, after] = [offsetAt(local - DAY_MS, timeZone), offsetAt(local + DAY_MS, timeZone)];
  const candidates = [Math.max(before, after), Math.min(before, after)].map((offset) => local - offset);
  const shown = candidates.find((instant) => instant + offsetAt(instant, timeZone) === local);
  return shown ?? local - before;
}

/** How far the clocks of a zone are ahead of UTC at an instant, in milliseconds. */
function offsetAt(instant: number, timeZone: string): number {
  const parts: Record<string, number> = {};
  for (const { type, value } of formatOf(timeZone).formatToParts(instant)) parts[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(instant / 1_000) * 1_000;
}

/** A format takes far longer to make than to use. */
function formatOf(timeZone: string): Intl.DateTimeFormat {
  let format = formats.get(timeZone);
  if (format === undefined) {
    const number = 'numeric' as const;
    const clock = { hour: number, minute: number, second: number, hourCycle: 'h23' as const };
    format = new Intl.DateTimeFormat('en-US', { timeZone, year: number, month: number, day: number, ...clock });
    formats.set(timeZone, format);
  }
  return format;
}
