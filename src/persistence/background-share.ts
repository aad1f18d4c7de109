/** How long what sweeps and imports add to a unit may take, in milliseconds: callers in the same unit wait for it. */
export const BACKGROUND_MS_MAX = 10;

/** Lines that background work may always add, however slow the database is: it has to go on. */
export const BACKGROUND_LINES_MIN = 16;

/** Lines until the first unit has shown what one costs. */
const BACKGROUND_LINES_FIRST = 32;

/** How much the newest unit counts against all before it. */
const NEWEST_WEIGHT = 0.25;

/** How many lines of background work one unit may carry, by what lines have cost lately. */
export class BackgroundShare {
  readonly #linesMax: number;
  #msPerLine: number | null = null;

  /** @param linesMax the most, however fast the database is */
  constructor(linesMax: number) {
    this.#linesMax = linesMax;
  }

  get lines(): number {
    if (this.#msPerLine === null) return BACKGROUND_LINES_FIRST;
    const affordable = Math.floor(BACKGROUND_MS_MAX / this.#msPerLine);
    return Math.min(this.#linesMax, Math.max(BACKGROUND_LINES_MIN, affordable));
  }

  /** Takes in how long a unit took that carried background work, with all its lines, those of callers too. */
  learn(lines: number, durationMs: number): void {
    const msPerLine = durationMs / Math.max(1, lines);
    this.#msPerLine =
      this.#msPerLine === null ? msPerLine : this.#msPerLine + (msPerLine - this.#msPerLine) * NEWEST_WEIGHT;
  }
}
