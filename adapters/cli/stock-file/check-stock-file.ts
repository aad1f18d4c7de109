import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { readStockFile } from './read-stock-file.ts';
import type { ItemFacts, StockRow, WarehouseFacts } from './stock-row.ts';

/** Rows one file may have. */
export const ROWS_MAX = 1_000_000;

/** Problems that are told; the rest is counted. */
export const PROBLEMS_TOLD_MAX = 20;

/** A file that can be imported whole. */
export interface CheckedFile {
  readonly rows: number;
  /** SHA-256 of the file, in hexadecimal. */
  readonly sha256: string;
  /** What the file says of each warehouse it names. */
  readonly warehouses: ReadonlyMap<string, WarehouseFacts>;
}

/** Why a file cannot be imported: a sentence per problem with its line, at most {@link PROBLEMS_TOLD_MAX}. */
export interface RejectedFile {
  readonly problems: readonly string[];
  /** All of them, told or not. */
  readonly count: number;
}

/**
 * Reads the whole file before anything is sent: every row, no pool twice, no contradiction between rows.
 * @throws an error of the file system where the file cannot be read
 */
export async function checkStockFile(path: string): Promise<CheckedFile | RejectedFile> {
  const hash = createHash('sha256');
  const facts = new FileFacts();
  const problems: string[] = [];
  let count = 0;
  const complain = (line: number, message: string) => {
    count += 1;
    if (problems.length < PROBLEMS_TOLD_MAX) problems.push(`line ${line}: ${message}`);
  };
  let rows = 0;
  for await (const event of readStockFile(path, (piece) => hash.update(piece))) {
    if (event.kind === 'problem') complain(event.line, event.message);
    else {
      rows += 1;
      if (rows > ROWS_MAX) return { problems: [`the file has more than ${ROWS_MAX} rows; split it`], count: 1 };
      for (const message of facts.add(event.row)) complain(event.row.line, message);
    }
  }
  if (count === 0 && rows === 0) complain(1, 'the file has no rows');
  if (count > 0) return { problems, count };
  return { rows, sha256: hash.digest('hex'), warehouses: facts.warehouses };
}

/** What the rows so far say, to find what contradicts it. */
class FileFacts {
  readonly warehouses = new Map<string, WarehouseFacts>();
  readonly #items = new Map<string, ItemFacts>();
  readonly #lines = new Map<string, number>();

  /** @returns what is wrong with the row in the light of the rows before it */
  add(row: StockRow): string[] {
    const problems: string[] = [];
    const pool = `${row.sku}\u0000${row.warehouse}`;
    const earlier = this.#lines.get(pool);
    if (earlier === undefined) this.#lines.set(pool, row.line);
    else problems.push(`${row.sku} in ${row.warehouse} stands in line ${earlier} already`);
    const item = merged(this.#items.get(row.sku), row.itemFacts);
    if (item === null) problems.push(`name or product of ${row.sku} differs from an earlier line`);
    else this.#items.set(row.sku, item);
    const warehouse = merged(this.warehouses.get(row.warehouse), row.warehouseFacts);
    if (warehouse === null) problems.push(`what is said of warehouse ${row.warehouse} differs from an earlier line`);
    else this.warehouses.set(row.warehouse, warehouse);
    return problems;
  }
}

/** Both together, or null where they contradict each other. */
function merged<Facts extends object>(known: Facts | undefined, said: Facts): Facts | null {
  const together = { ...known, ...said };
  return isDeepStrictEqual({ ...together, ...known }, together) ? together : null;
}
