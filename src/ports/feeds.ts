import type { Reservation } from '../domain/reservation.ts';
import type { Target } from '../domain/working-set.ts';
import type { StockView } from '../ports.ts';

/** Which pools a stream follows; an empty list means all. */
export interface PoolFilter {
  readonly skus: readonly string[];
  readonly warehouses: readonly string[];
}

/** `asOf` is in milliseconds since the Unix epoch: everything committed before it has been sent. */
export type AvailabilityStreamEvent = { readonly resumeToken: string } & (
  | { readonly type: 'update'; readonly view: StockView }
  | { readonly type: 'snapshot-complete'; readonly asOf: number }
  | { readonly type: 'heartbeat'; readonly asOf: number }
);

export type AvailabilitySubscription = AsyncIterable<AvailabilityStreamEvent>;

/** The current value of each matching pool, then each change; versions never go back within one subscription. */
export interface AvailabilityFeed {
  /** @param resumeToken the last one received, or empty. @throws InvalidResumeToken when iterated */
  subscribe(filter: PoolFilter, resumeToken: string, signal: AbortSignal): AvailabilitySubscription;
}

export type ReservationStreamEvent = { readonly resumeToken: string } & (
  | { readonly type: 'update'; readonly reservation: Reservation }
  | { readonly type: 'heartbeat'; readonly asOf: number }
);

/** One reservation: its state now, then each change. */
export interface ReservationFeed {
  /** @throws InvalidResumeToken or UnknownTarget when iterated */
  watch(target: Target, resumeToken: string, signal: AbortSignal): AsyncIterable<ReservationStreamEvent>;
}
