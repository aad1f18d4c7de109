import { readStockFile } from './read-stock-file.ts';
import type { StockRow } from './stock-row.ts';

/** Rows in one request at most, as the contract has it. */
export const BATCH_ROWS_MAX = 500;

/** The file changed between its check and its import. */
export class FileChanged extends Error {
  override name = 'FileChanged';
}

/**
 * Reads a checked file again, in batches.
 * @throws FileChanged where it has become another one
 */
export async function* rowBatches(path: string, onBytes: (piece: Buffer) => void): AsyncGenerator<StockRow[]> {
  let batch: StockRow[] = [];
  for await (const event of readStockFile(path, onBytes)) {
    if (event.kind === 'problem') throw new FileChanged(`line ${event.line}: ${event.message}`);
    batch.push(event.row);
    if (batch.length === BATCH_ROWS_MAX) {
      yield batch;
      batch = [];
    }
  }
  if (batch.length > 0) yield batch;
}
