/** A column of a table for people. */
export interface Column {
  readonly title: string;
  /** Numbers stand right. */
  readonly align: 'left' | 'right';
}

const GAP = '  ';

/** Lays rows out under their titles. Characters that would move the cursor are shown as a question mark. */
export function formatTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const widths = columns.map((column, at) =>
    Math.max(column.title.length, ...rows.map((row) => printable(row[at] ?? '').length)),
  );
  return [columns.map((column) => column.title), ...rows].map((row) => formatRow(columns, widths, row)).join('\n');
}

/** One row by given widths, for tables that grow while they are printed. */
export function formatRow(columns: readonly Column[], widths: readonly number[], row: readonly string[]): string {
  return columns
    .map(({ align }, at) => {
      const cell = printable(row[at] ?? '');
      const width = widths[at] ?? 0;
      return align === 'right' ? cell.padStart(width) : cell.padEnd(width);
    })
    .join(GAP)
    .trimEnd();
}

/** Text from elsewhere without control characters, so that it cannot move the cursor or colour the screen. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '?');
}
