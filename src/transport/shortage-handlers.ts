import { create } from '@bufbuild/protobuf';
import { ShortageSchema, type Shortage as WireShortage } from '../gen/earmark/v1/stock_pb.ts';
import { StockService } from '../gen/earmark/v1/stock_service_pb.ts';
import type { Shortage, Shortages } from '../ports/shortages.ts';
import { toPageRequest } from './page-mapping.ts';
import { type Rpc, unary } from './rpc.ts';
import { toTimestamp } from './wire-time.ts';

/** ListShortages. */
export function shortageHandlers(deps: { readonly shortages: Shortages }): Rpc[] {
  return [
    unary(StockService.method.listShortages, async (request) => {
      const { skus, warehouses, includeClosed } = request;
      const page = await deps.shortages.list({ skus, warehouses, includeClosed }, toPageRequest(request));
      return { shortages: page.rows.map(toWire), nextPageToken: page.nextPageToken };
    }),
  ];
}

function toWire({ closedAt, openedAt, sku, warehouse, quantity, unnamed, victims }: Shortage): WireShortage {
  return create(ShortageSchema, {
    sku,
    warehouse,
    quantity,
    unnamed,
    victims: victims.map((victim) => ({ ...victim })),
    openTime: toTimestamp(openedAt),
    ...(closedAt === null ? {} : { closeTime: toTimestamp(closedAt) }),
  });
}
