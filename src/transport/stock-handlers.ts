import type { DescMessage, Message } from '@bufbuild/protobuf';
import type { Refusal } from '../domain/refusal.ts';
import { poolKey } from '../domain/stock-level.ts';
import {
  AdjustStockRequestSchema,
  CountStockRequestSchema,
  PutItemsRequestSchema,
  PutWarehousesRequestSchema,
  ReceiveStockRequestSchema,
  StockService,
} from '../gen/earmark/v1/stock_service_pb.ts';
import type { Ids, Outcome, StockReader, UnitOfWork } from '../ports.ts';
import { adjustStock, countStock, putItems, putWarehouses, receiveStock } from '../use-cases/stock.ts';
import { contentHash } from './content-hash.ts';
import { toPageRequest } from './page-mapping.ts';
import { isRefusal } from './reserve-mapping.ts';
import { type Rpc, unary } from './rpc.ts';
import { refusedCall } from './rpc-failure.ts';
import {
  fromAdjustment,
  fromCount,
  fromItem,
  fromReceipt,
  fromWarehouse,
  toAvailability,
  toItem,
  toWarehouse,
} from './stock-mapping.ts';

interface Deps {
  readonly unitOfWork: UnitOfWork;
  readonly ids: Ids;
  readonly stock: StockReader;
}

/** What is physically there: catalogue, warehouses, receipts, adjustments, counts, and their list. */
export function stockHandlers(deps: Deps): Rpc[] {
  return [...catalogHandlers(deps), ...quantityHandlers(deps), listHandler(deps)];
}

function catalogHandlers(deps: Deps): Rpc[] {
  return [
    unary(StockService.method.putItems, async (request, call) => {
      const items = allOf(request.items, (item) => fromItem(item, deps.ids.uuid()));
      const namedIds = request.items.map(({ itemId }) => itemId).filter((itemId) => itemId !== '');
      const input = { ...keyOf(PutItemsRequestSchema, request), items, namedIds };
      const outcome = await putItems(deps, input, call);
      const { answer, replayed } = succeeded(outcome);
      if (answer.kind !== 'items') throw new TypeError('PutItems answers with items');
      return { items: answer.items.map(toItem), replayed };
    }),
    unary(StockService.method.putWarehouses, async (request, call) => {
      const warehouses = request.warehouses.map(fromWarehouse);
      const input = { ...keyOf(PutWarehousesRequestSchema, request), warehouses };
      const { answer, replayed } = succeeded(await putWarehouses(deps, input, call));
      if (answer.kind !== 'warehouses') throw new TypeError('PutWarehouses answers with warehouses');
      return { warehouses: answer.warehouses.map(toWarehouse), replayed };
    }),
  ];
}

function quantityHandlers(deps: Deps): Rpc[] {
  return [
    unary(StockService.method.receiveStock, async (request, call) => {
      const receipts = allOf(request.receipts, fromReceipt);
      const key = keyOf(ReceiveStockRequestSchema, request);
      return levelsOf(await receiveStock(deps, { ...key, reason: request.reason, receipts }, call));
    }),
    unary(StockService.method.adjustStock, async (request, call) => {
      const adjustments = allOf(request.adjustments, fromAdjustment);
      const key = keyOf(AdjustStockRequestSchema, request);
      return levelsOf(await adjustStock(deps, { ...key, reason: request.reason, adjustments }, call));
    }),
    unary(StockService.method.countStock, async (request, call) => {
      const counts = allOf(request.counts, fromCount);
      const key = keyOf(CountStockRequestSchema, request);
      return levelsOf(await countStock(deps, { ...key, reason: request.reason, counts }, call));
    }),
  ];
}

function listHandler(deps: Deps): Rpc {
  return unary(StockService.method.listStock, async (request) => {
    const [page, warehouses] = await Promise.all([
      deps.stock.list(request.skus, request.warehouses, toPageRequest(request)),
      deps.stock.warehouses(),
    ]);
    const byCode = new Map(warehouses.map((warehouse) => [warehouse.code, toWarehouse(warehouse)]));
    const entries = page.rows.map((row) => {
      const warehouse = byCode.get(row.level.warehouse);
      const known = warehouse === undefined ? {} : { warehouse };
      return { availability: toAvailability(row), item: toItem(row.item), ...known };
    });
    return { entries, nextPageToken: page.nextPageToken };
  });
}

/** The pools as the command left them; what is due is expired before a pool changes, so none is. */
function levelsOf(outcome: Outcome) {
  const { answer, replayed } = succeeded(outcome);
  if (answer.kind !== 'stock') throw new TypeError('a stock command answers with stock');
  const ordered = [...answer.levels].sort((left, right) =>
    poolKey(left.sku, left.warehouse) < poolKey(right.sku, right.warehouse) ? -1 : 1,
  );
  return { availability: ordered.map((level) => toAvailability({ level, due: 0, saleDue: 0 })), replayed };
}

function succeeded(outcome: Outcome) {
  if (!outcome.ok) throw refusedCall(outcome.refusal);
  return outcome;
}

function keyOf(schema: DescMessage, request: Message & { readonly requestId: string }) {
  return { requestId: request.requestId, contentHash: contentHash(schema, request) };
}

/** Maps every part, or refuses the whole request for the first that cannot be asked in this version. */
function allOf<Wire, Input extends object>(parts: readonly Wire[], map: (part: Wire) => Input | Refusal): Input[] {
  return parts.map((part) => {
    const input = map(part);
    if (isRefusal(input)) throw refusedCall(input);
    return input as Input;
  });
}
