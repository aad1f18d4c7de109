import type { DescMethod, DescService, Message } from '@bufbuild/protobuf';
import { unsupported } from '../domain/refusal.ts';
import { AuditService } from '../gen/earmark/v1/audit_service_pb.ts';
import { AvailabilityService } from '../gen/earmark/v1/availability_service_pb.ts';
import { KpiService } from '../gen/earmark/v1/kpi_service_pb.ts';
import { NotificationService } from '../gen/earmark/v1/notification_service_pb.ts';
import { ReservationService } from '../gen/earmark/v1/reservation_service_pb.ts';
import { RuleService } from '../gen/earmark/v1/rule_service_pb.ts';
import { StockService } from '../gen/earmark/v1/stock_service_pb.ts';
import { type Rpc, rpcName } from './rpc.ts';
import { refusedCall } from './rpc-failure.ts';

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

/** The RPCs that answer UNIMPLEMENTED in this release, by full name without the package. */
export const UNIMPLEMENTED_RPCS: readonly string[] = [
  'StockService/ListShortages',
  'NotificationService/ListNotifications',
  'NotificationService/AcknowledgeNotification',
];

/**
 * Every RPC of every service with what answers it: one of the handlers, or the refusal `UNSUPPORTED`.
 * @throws TypeError where an RPC has neither or both, or a handler has no RPC: a mistake in this program
 */
export function buildRpcTable(handlers: readonly Rpc[]): readonly Rpc[] {
  const byName = new Map(handlers.map((rpc) => [rpcName(rpc.method), rpc]));
  const table = SERVICES.flatMap((service) => service.methods).map((method) => {
    const handler = byName.get(rpcName(method));
    const left = UNIMPLEMENTED_RPCS.includes(`${method.parent.name}/${method.name}`);
    if ((handler !== undefined) === left) throw new TypeError(`${rpcName(method)} must have one answer`);
    byName.delete(rpcName(method));
    return handler ?? unimplemented(method);
  });
  if (byName.size > 0) throw new TypeError(`no service has ${[...byName.keys()].join(', ')}`);
  return table;
}

function unimplemented(method: DescMethod): Rpc {
  if (method.methodKind !== 'unary') throw new TypeError(`${rpcName(method)} streams and must have a handler`);
  return {
    kind: 'unary',
    method,
    handle: (): Promise<Message> => Promise.reject(refusedCall(unsupported(method.name))),
  };
}
