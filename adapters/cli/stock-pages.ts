import type { StockEntry } from '../../src/gen/earmark/v1/stock_pb.ts';
import type { Session } from './session.ts';

/** What one page holds at most, as the contract has it. */
const PAGE_SIZE = 500;

/** All matching pools in (SKU, warehouse) order, page by page; an empty list means all. At least one page. */
export async function* stockPages(
  session: Session,
  skus: readonly string[],
  warehouses: readonly string[],
): AsyncGenerator<StockEntry[]> {
  let pageToken = '';
  do {
    const page = await session.stock.listStock({
      skus: [...skus],
      warehouses: [...warehouses],
      pageSize: PAGE_SIZE,
      pageToken,
    });
    yield page.entries;
    pageToken = page.nextPageToken;
  } while (pageToken !== '' && !session.interruption.signal.aborted);
}
