import type { AuditFilter } from '../../src/ports/event-reader.ts';

/** Asks for all events. */
export const NO_EVENT_FILTER: AuditFilter = {
  trackingId: '',
  reservationId: '',
  exchangeId: '',
  returnCaseId: '',
  orderId: '',
  unitId: '',
  sku: '',
  warehouse: '',
  actor: '',
  kinds: [],
  from: null,
  until: null,
};
