import { unescapeFormula } from '../formula.ts';
import type { StockColumnName, StockRecord } from './columns.ts';

/** What a row says of its warehouse; absent where the cell is empty. */
export interface WarehouseFacts {
  readonly name?: string;
  readonly priority?: number;
  readonly countryCode?: string;
  readonly postalCode?: string;
  readonly timeZone?: string;
  readonly wms?: string;
  readonly enabled?: boolean;
}

/** What a row says of its item; absent where the cell is empty. */
export interface ItemFacts {
  readonly name?: string;
  readonly product?: string;
}

/** One line of a stock file: the pool of a SKU in a warehouse, in whole units. */
export interface StockRow {
  /** Counts from 1, the header included. */
  readonly line: number;
  readonly sku: string;
  readonly warehouse: string;
  readonly onHand: number;
  readonly unavailable?: number;
  readonly committed?: number;
  readonly itemFacts: ItemFacts;
  readonly warehouseFacts: WarehouseFacts;
}

const SKU_MAX_BYTES = 128;
const WAREHOUSE_MAX_BYTES = 64;
const NAME_MAX = 200;
const PRODUCT_MAX = 128;
const POSTAL_CODE_MAX = 16;
const UNITS_MAX = 1_000_000;
const PRIORITY_MAX = 1_000_000;

/** The characters no text of the contract may hold. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/u;

/** Reads one line; what is wrong with it is told in `problems`, one sentence each, and the row is then not to be used. */
export function readRow(record: StockRecord, line: number): { row: StockRow; problems: string[] } {
  const cells = new CellReader(record);
  const row: StockRow = {
    line,
    sku: cells.required('sku', SKU_MAX_BYTES),
    warehouse: cells.required('warehouse', WAREHOUSE_MAX_BYTES),
    onHand: cells.units('on_hand') ?? cells.missing('on_hand'),
    ...defined({ unavailable: cells.units('unavailable'), committed: cells.units('committed') }),
    itemFacts: defined({ name: cells.text('name', NAME_MAX), product: cells.text('product', PRODUCT_MAX) }),
    warehouseFacts: defined({
      name: cells.text('warehouse_name', NAME_MAX),
      priority: cells.whole('priority', -PRIORITY_MAX, PRIORITY_MAX),
      countryCode: cells.matching('country', /^[A-Z]{2}$/, 'is not two capital letters such as DE'),
      postalCode: cells.text('postal_code', POSTAL_CODE_MAX),
      timeZone: cells.timeZone(),
      wms: cells.text('wms', WAREHOUSE_MAX_BYTES),
      enabled: cells.claim('enabled'),
    }),
  };
  return { row, problems: cells.problems };
}

/** Reads the cells of one record and remembers what is wrong with them. */
class CellReader {
  readonly problems: string[] = [];
  readonly #record: StockRecord;

  constructor(record: StockRecord) {
    this.#record = record;
  }

  text(column: StockColumnName, maxBytes: number): string | undefined {
    const text = unescapeFormula((this.#record[column] ?? '').trim());
    if (text === '') return undefined;
    if (Buffer.byteLength(text) > maxBytes) return this.#wrong(column, `is longer than ${maxBytes} bytes`);
    return UNPRINTABLE.test(text) ? this.#wrong(column, 'holds a character that cannot be printed') : text;
  }

  required(column: StockColumnName, maxBytes: number): string {
    const before = this.problems.length;
    const text = this.text(column, maxBytes);
    if (text === undefined && this.problems.length === before) this.#wrong(column, 'is empty');
    return text ?? '';
  }

  whole(column: StockColumnName, min: number, max: number): number | undefined {
    const text = unescapeFormula((this.#record[column] ?? '').trim());
    if (text === '') return undefined;
    const number = Number(text);
    if (/^-?\d{1,7}$/.test(text) && number >= min && number <= max) return number;
    return this.#wrong(column, `"${text}" is no whole number from ${min} to ${max}`);
  }

  units(column: StockColumnName): number | undefined {
    return this.whole(column, 0, UNITS_MAX);
  }

  /** For a number that must be there: 0 where it is missing or was found wrong before. */
  missing(column: StockColumnName): number {
    if ((this.#record[column] ?? '').trim() === '') this.#wrong(column, 'is empty');
    return 0;
  }

  matching(column: StockColumnName, pattern: RegExp, complaint: string): string | undefined {
    const text = this.text(column, NAME_MAX);
    return text === undefined || pattern.test(text) ? text : this.#wrong(column, `"${text}" ${complaint}`);
  }

  timeZone(): string | undefined {
    const text = this.text('time_zone', WAREHOUSE_MAX_BYTES);
    if (text === undefined || isTimeZone(text)) return text;
    return this.#wrong('time_zone', `"${text}" is no time zone such as Europe/Berlin`);
  }

  claim(column: StockColumnName): boolean | undefined {
    const text = this.matching(column, /^(true|false)$/i, 'is neither true nor false');
    return text === undefined ? undefined : text.toLowerCase() === 'true';
  }

  #wrong(column: StockColumnName, complaint: string): undefined {
    this.problems.push(`${column} ${complaint}`);
    return undefined;
  }
}

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

/** The same without the properties that are undefined. */
function defined<T extends object>(facts: T): { [Key in keyof T]?: Exclude<T[Key], undefined> } {
  const entries = Object.entries(facts).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [Key in keyof T]?: Exclude<T[Key], undefined> };
}
