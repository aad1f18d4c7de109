import type { DescService } from '@bufbuild/protobuf';
import { AuditService } from '../gen/earmark/v1/audit_service_pb.ts';
import { AvailabilityService } from '../gen/earmark/v1/availability_service_pb.ts';
import { KpiService } from '../gen/earmark/v1/kpi_service_pb.ts';
import { NotificationService } from '../gen/earmark/v1/notification_service_pb.ts';
import { ReservationService } from '../gen/earmark/v1/reservation_service_pb.ts';
import { RuleService } from '../gen/earmark/v1/rule_service_pb.ts';
import { StockService } from '../gen/earmark/v1/stock_service_pb.ts';
import { type Rpc, rpcName } from './rpc.ts';

/** Every service both doors offer. */
export const SERVICES: readonly DescService[] = [
  ReservationService,
  AvailabilityService,
  StockService,
  RuleService,
  AuditService,
  KpiService,
  NotificationService,
];

/**
 * Every RPC of every service with the handler that answers it.
 * @throws TypeError where an RPC has no handler, or a handler no RPC: a mistake in this program
 */
export function buildRpcTable(handlers: readonly Rpc[]): readonly Rpc[] {
  const byName = new Map(handlers.map((rpc) => [rpcName(rpc.method), rpc]));
  const table = SERVICES.flatMap((service) => service.methods).map((method) => {
    const handler = byName.get(rpcName(method));
    if (handler === undefined) throw new TypeError(`${rpcName(method)} must have an answer`);
    byName.delete(rpcName(method));
    return handler;
  });
  if (byName.size > 0) throw new TypeError(`no service has ${[...byName.keys()].join(', ')}`);
  return table;
}
