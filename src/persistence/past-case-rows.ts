import type { KeptRequest } from '../domain/asked-request.ts';
import type { FactName, PastCase, PastRequest } from '../domain/past-case.ts';
import type { RefusalReason } from '../domain/refusal.ts';
import type { Reservation } from '../domain/reservation.ts';
import type { RefusedRequest } from '../ports/refusals.ts';
import { readEventBody } from './event-body.ts';

export interface MadeRow {
  readonly reservation_id: string;
  readonly tracking_id: string;
  readonly exchange_id: string;
  /** Of the event that made it. */
  readonly body: string;
  /** Null where such facts were never told or are erased. */
  readonly attributes: string | null;
  readonly postal_code: string | null;
  /** Null where nobody asked. */
  readonly live: number | null;
}

export interface RefusedRow {
  readonly exchange_id: string;
  readonly reason: RefusalReason;
  readonly message: string;
  readonly metadata: string;
  readonly channel: string;
  readonly rule_version: number;
  readonly refused_at: number;
  readonly asked: string | null;
}

/** @throws TypeError where the event that made the reservation is unreadable, which the ledger's verification names */
export function toMadeCase(row: MadeRow): PastCase {
  const body = readEventBody(row.body);
  if (body === null || body.after === null) throw new TypeError(`reservation ${row.reservation_id} has no first event`);
  const { facts, after: made, asked, seen } = body;
  return {
    trackingId: row.tracking_id,
    exchangeId: row.exchange_id,
    decidedAt: made.createdAt,
    ruleVersion: made.ruleVersion,
    request: asked === null ? null : toRequest(row, made, asked, facts.reason),
    seen,
    was: { accepted: true, expireAt: made.expireAt, placements: placementsOf(made) },
  };
}

function placementsOf({ lines }: Reservation) {
  return lines.flatMap(({ lineNumber, sku, substitutedFor, allocations }) => {
    const instead = substitutedFor === undefined ? {} : { substitutedFor };
    return allocations.map(({ warehouse, reserved }) => ({
      lineNumber,
      sku,
      warehouse,
      quantity: reserved,
      ...instead,
    }));
  });
}

function toRequest(row: MadeRow, made: Reservation, asked: KeptRequest, reason: string): PastRequest {
  const { warehouses = [], substitutes = [], elsewhere = [] } = asked;
  const lost: readonly FactName[] = row.attributes === null ? elsewhere : [];
  return {
    facts: {
      deliveredAt: asked.deliveredAt ?? null,
      reason,
      itemCondition: asked.itemCondition ?? '',
      customerTier: asked.customerTier ?? '',
      attributes: row.attributes === null ? {} : (JSON.parse(row.attributes) as Record<string, string>),
    },
    destination: { countryCode: asked.countryCode ?? '', postalCode: row.postal_code ?? '' },
    channel: made.channel,
    lines: made.lines.map(({ sku, substitutedFor = sku, quantity }, at) => {
      const others = substitutes[at] ?? [];
      const instead = others.length === 0 ? {} : { substitutes: others };
      return { sku: substitutedFor, quantity, warehouse: warehouses[at] ?? '', ...instead };
    }),
    partial: asked.partial ?? false,
    waitlist: asked.waitlist ?? false,
    acceptSubstitutes: asked.acceptSubstitutes ?? false,
    holdWindowMs: asked.holdWindowMs ?? null,
    lost,
    liveOfCustomer: made.customerRef === '' ? 0 : row.live,
  };
}

/** What a customer had is not kept with a refusal, since its customer is not. */
export function toRefusedCase(row: RefusedRow): PastCase {
  const asked = row.asked === null ? null : (JSON.parse(row.asked) as RefusedRequest | null);
  const metadata = JSON.parse(row.metadata) as Record<string, string>;
  return {
    trackingId: '',
    exchangeId: row.exchange_id,
    decidedAt: row.refused_at,
    ruleVersion: row.rule_version,
    request: asked === null ? null : requestOf(asked, row.channel),
    seen: asked?.seen ?? [],
    was: { accepted: false, refusal: { reason: row.reason, message: row.message, metadata } },
  };
}

function requestOf({ isOfCustomer, seen: _, ...asked }: RefusedRequest, channel: string): PastRequest {
  return { ...asked, channel, lost: [], liveOfCustomer: isOfCustomer ? null : 0 };
}
