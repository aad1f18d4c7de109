/** A cell that a spreadsheet would run as a formula, or that looks like one already made harmless. */
const FORMULA = /^'*[=+\-@\t\r]/;
const HARMLESS_FORMULA = /^'+[=+\-@\t\r]/;

/** Puts an apostrophe before a cell that a spreadsheet would run as a formula. */
export function escapeFormula(cell: string): string {
  return FORMULA.test(cell) ? `'${cell}` : cell;
}

/** Takes that apostrophe away again. */
export function unescapeFormula(cell: string): string {
  return HARMLESS_FORMULA.test(cell) ? cell.slice(1) : cell;
}
