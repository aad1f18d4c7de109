import { stringify } from 'csv-stringify/sync';
import type { StockEntry } from '../../../src/gen/earmark/v1/stock_pb.ts';
import { escapeFormula } from '../formula.ts';
import type { Session } from '../session.ts';
import { STOCK_COLUMNS, type StockRecord } from '../stock-file/columns.ts';
import { stockPages } from '../stock-pages.ts';

/** Prints all matching pools as CSV, or, with `--json`, the same cells as one document per line. */
export async function exportStock(
  session: Session,
  skus: readonly string[],
  warehouses: readonly string[],
): Promise<void> {
  const names = STOCK_COLUMNS.map((column) => column.name);
  if (!session.isJson) await session.terminal.write(stringify([names]));
  for await (const entries of stockPages(session, skus, warehouses)) {
    const records = entries.map(toRecord);
    if (session.isJson) for (const record of records) await session.terminal.write(`${JSON.stringify(record)}\n`);
    else await session.terminal.write(toCsv(records));
  }
}

/** The rows as CSV lines in the order of {@link STOCK_COLUMNS}, formulas made harmless. */
export function toCsv(records: readonly StockRecord[]): string {
  return stringify(records.map((record) => STOCK_COLUMNS.map(({ name }) => escapeFormula(record[name] ?? ''))));
}

function toRecord({ availability: pool, item, warehouse }: StockEntry): StockRecord {
  return {
    sku: pool?.sku ?? '',
    name: item?.name ?? '',
    product: item?.product ?? '',
    warehouse: pool?.warehouse ?? '',
    on_hand: String(pool?.onHand ?? 0),
    unavailable: String(pool?.unavailable ?? 0),
    committed: String(pool?.committed ?? 0),
    warehouse_name: warehouse?.name ?? '',
    priority: String(warehouse?.priority ?? 0),
    country: warehouse?.countryCode ?? '',
    postal_code: warehouse?.postalCode ?? '',
    time_zone: warehouse?.timeZone ?? '',
    wms: warehouse?.wms ?? '',
    enabled: String(warehouse?.enabled ?? true),
  };
}
