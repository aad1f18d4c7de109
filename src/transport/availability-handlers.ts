import { create } from '@bufbuild/protobuf';
import { refuse } from '../domain/refusal.ts';
import { forChannel, type Rules } from '../domain/rules.ts';
import {
  AvailabilityService,
  type StreamAvailabilityRequest,
  type StreamAvailabilityResponse,
  StreamAvailabilityResponseSchema,
} from '../gen/earmark/v1/availability_service_pb.ts';
import type { AvailabilityFeed } from '../ports/feeds.ts';
import type { RulesReader } from '../ports/rules-reader.ts';
import type { StockReader, StockView, UnitOfWork } from '../ports.ts';
import { refreshPools, skusBehind } from '../use-cases/refresh-pools.ts';
import { type Rpc, type RpcCall, serverStreaming, unary } from './rpc.ts';
import { refusedCall } from './rpc-failure.ts';
import { toAvailability } from './stock-mapping.ts';
import { subscribed } from './subscribed.ts';
import { toTimestamp } from './wire-time.ts';

interface Deps {
  readonly stock: StockReader;
  readonly availabilityFeed: AvailabilityFeed;
  readonly rules: RulesReader;
  readonly unitOfWork: UnitOfWork;
}

/** GetAvailability and StreamAvailability. */
export function availabilityHandlers(deps: Deps): Rpc[] {
  return [
    unary(AvailabilityService.method.getAvailability, async ({ skus, warehouses, channel }, call) => {
      const rules = await deps.rules.current();
      const selling = sellingWarehouses(rules, channel, warehouses);
      const views = await readFollowing(deps, rules, [...new Set(skus)], selling, call);
      // What stands on a pool that was found is known, so mostly nothing needs to be looked up.
      const seenSkus = new Set(views.map((view) => view.level.sku));
      const seenWarehouses = new Set(views.map((view) => view.level.warehouse));
      await refuseUnknown(
        deps.stock,
        skus.filter((sku) => !seenSkus.has(sku)),
        warehouses.filter((warehouse) => !seenWarehouses.has(warehouse)),
      );
      return { availability: views.map((view) => toAvailability(view)) };
    }),
    serverStreaming(AvailabilityService.method.streamAvailability, (request, call) => stream(deps, request, call)),
  ];
}

/** Items that one call brings up to date: as many as it can name. Who asks for all leaves the rest to the background. */
const REFRESHED_AT_ONCE_MAX = 500;

/** Pools as the rules have them: those that do not follow these yet, since nobody has touched them, do so first. */
async function readFollowing(
  deps: Deps,
  rules: Rules,
  skus: readonly string[],
  warehouses: readonly string[],
  call: RpcCall,
): Promise<StockView[]> {
  const views = await deps.stock.read(skus, warehouses);
  const behind = await skusBehind(
    deps.stock,
    views.map((view) => view.level),
    rules,
  );
  if (behind.length === 0) return views;
  await refreshPools(deps, behind.slice(0, REFRESHED_AT_ONCE_MAX), { lane: 'caller', signal: call.signal });
  return await deps.stock.read(skus, warehouses);
}

/** Names that nobody knows are a mistake the caller should hear of; an empty answer would hide it. */
async function refuseUnknown(
  stock: StockReader,
  skus: readonly string[],
  warehouses: readonly string[],
): Promise<void> {
  const items = new Set((skus.length === 0 ? [] : await stock.items(skus)).map((item) => item.sku));
  const sku = skus.find((asked) => !items.has(asked));
  if (sku !== undefined) throw refusedCall(refuse('UNKNOWN_SKU', `no item has the SKU ${sku}`, { sku }));
  const codes = new Set((warehouses.length === 0 ? [] : await stock.warehouses()).map(({ code }) => code));
  const warehouse = warehouses.find((asked) => !codes.has(asked));
  if (warehouse === undefined) return;
  throw refusedCall(refuse('UNKNOWN_WAREHOUSE', `no warehouse has the code ${warehouse}`, { warehouse }));
}

async function* stream(
  deps: Deps,
  request: StreamAvailabilityRequest,
  call: RpcCall,
): AsyncGenerator<StreamAvailabilityResponse> {
  await refuseUnknown(deps.stock, request.skus, request.warehouses);
  const warehouses = sellingWarehouses(await deps.rules.current(), request.channel, request.warehouses);
  const filter = { skus: request.skus, warehouses };
  const subscription = subscribed(() => deps.availabilityFeed.subscribe(filter, request.resumeToken, call.signal));
  for await (const event of subscription) {
    const { resumeToken } = event;
    yield create(StreamAvailabilityResponseSchema, {
      resumeToken,
      event:
        event.type === 'update'
          ? { case: 'update', value: toAvailability(event.view) }
          : event.type === 'heartbeat'
            ? { case: 'heartbeat', value: { asOfTime: toTimestamp(event.asOf) } }
            : { case: 'snapshotComplete', value: { asOfTime: toTimestamp(event.asOf) } },
    });
  }
}

/** No warehouse has an empty code. */
const NO_WAREHOUSE = [''];

/** The warehouses asked for that the channel sells from; empty means all. */
function sellingWarehouses(rules: Rules, channel: string, asked: readonly string[]): readonly string[] {
  const selling = forChannel(rules.channelWarehouses, channel);
  if (selling === undefined) return asked;
  const both = asked.length === 0 ? selling : asked.filter((warehouse) => selling.includes(warehouse));
  return both.length === 0 ? NO_WAREHOUSE : both;
}
