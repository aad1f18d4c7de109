import { defineEntity, p } from '@mikro-orm/core';

/** Tables that people read and edit, as entities. The ledger's hot tables are written by statements only. */

export const ItemTable = defineEntity({
  name: 'Item',
  tableName: 'item',
  properties: {
    sku: p.text().primary(),
    itemId: p.text(),
    name: p.text(),
    tracking: p.text(),
    product: p.text(),
    attributes: p.json<Record<string, string>>(),
    equivalentSkus: p.array(),
    retired: p.boolean(),
  },
});

export const WarehouseTable = defineEntity({
  name: 'Warehouse',
  tableName: 'warehouse',
  properties: {
    code: p.text().primary(),
    name: p.text(),
    timeZone: p.text(),
    priority: p.integer(),
    countryCode: p.text(),
    postalCode: p.text(),
    enabled: p.boolean(),
    wms: p.text(),
  },
});

export const RuleVersionTable = defineEntity({
  name: 'RuleVersion',
  tableName: 'rule_version',
  properties: {
    version: p.bigint().primary(),
    effectiveTime: p.datetime(3),
    createTime: p.datetime(3),
    actor: p.text(),
    reason: p.text(),
    body: p.json<Record<string, unknown>>(),
  },
});

export const TABLES = [ItemTable, WarehouseTable, RuleVersionTable];
