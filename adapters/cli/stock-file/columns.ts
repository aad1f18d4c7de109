/** A column a stock file may have. */
export interface StockColumn {
  readonly name: string;
  readonly isRequired: boolean;
  /** For `--help`. */
  readonly meaning: string;
}

/** The columns of a stock file, in the order they are exported. */
export const STOCK_COLUMNS = [
  { name: 'sku', isRequired: true, meaning: 'the item' },
  { name: 'name', isRequired: false, meaning: 'what people call it; empty keeps the name it has' },
  { name: 'product', isRequired: false, meaning: 'the product it is a variant of; empty keeps the one it has' },
  { name: 'warehouse', isRequired: true, meaning: 'the code of the warehouse' },
  { name: 'on_hand', isRequired: true, meaning: 'units physically there, 0 to 1000000' },
  { name: 'unavailable', isRequired: false, meaning: 'units damaged or in quarantine; empty keeps the number' },
  { name: 'committed', isRequired: false, meaning: 'units sold elsewhere and not yet shipped; empty keeps the number' },
  { name: 'warehouse_name', isRequired: false, meaning: 'what people call the warehouse' },
  { name: 'priority', isRequired: false, meaning: 'order of choice, -1000000 to 1000000: lower first' },
  { name: 'country', isRequired: false, meaning: 'two letters, for example DE' },
  { name: 'postal_code', isRequired: false, meaning: 'at most 16 characters' },
  { name: 'time_zone', isRequired: false, meaning: 'for example Europe/Berlin' },
  { name: 'wms', isRequired: false, meaning: 'the warehouse system behind it' },
  { name: 'enabled', isRequired: false, meaning: 'true or false: whether new units may be promised from there' },
] as const satisfies readonly StockColumn[];

export type StockColumnName = (typeof STOCK_COLUMNS)[number]['name'];

export type StockRecord = Readonly<Partial<Record<StockColumnName, string>>>;

/**
 * Judges the first line of a file.
 * @returns the columns in the order of the file, and what is wrong with them, one sentence each
 */
export function readHeader(cells: readonly string[]): { names: StockColumnName[]; problems: string[] } {
  const names = cells.map((cell) => cell.trim().toLowerCase());
  const known = new Set<string>(STOCK_COLUMNS.map((column) => column.name));
  const problems: string[] = [];
  for (const [at, name] of names.entries()) {
    if (!known.has(name)) problems.push(`there is no column "${name}"; the columns are ${[...known].join(', ')}`);
    else if (names.indexOf(name) !== at) problems.push(`the column "${name}" stands twice`);
  }
  for (const { name, isRequired } of STOCK_COLUMNS) {
    if (isRequired && !names.includes(name)) problems.push(`the column "${name}" is missing`);
  }
  return { names: names as StockColumnName[], problems };
}
