-- Text is compared byte by byte: tenants and ids are case-sensitive. Times are UTC.

-- What happened: a row for each event of an item or a picture.
CREATE TABLE IF NOT EXISTS item_changes (
  tenant VARCHAR(64) NOT NULL,
  event_id VARCHAR(128) NOT NULL,
  item_id VARCHAR(64) NOT NULL,
  kind VARCHAR(32) NOT NULL,
  version BIGINT NULL,
  occurred_at DATETIME(3) NOT NULL,
  category VARCHAR(255) NULL,
  status VARCHAR(32) NULL,
  currency CHAR(3) NULL,
  price_amount BIGINT NULL,
  quantity BIGINT NULL,
  PRIMARY KEY (tenant, event_id),
  KEY item_changes_by_time (tenant, occurred_at),
  KEY item_changes_by_item (tenant, item_id, version)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Items as they are. A row is replaced by one of a higher position only: twice the version, and one
-- more if the item is deleted. Deleted items stay, so that what comes late finds their position.
-- A new picture moves an item on without telling its content, which has a position of its own: 0 and
-- no status until it is known.
CREATE TABLE IF NOT EXISTS items_current (
  tenant VARCHAR(64) NOT NULL,
  item_id VARCHAR(64) NOT NULL,
  position BIGINT NOT NULL,
  content_position BIGINT NOT NULL,
  deleted BOOLEAN NOT NULL,
  version BIGINT NOT NULL,
  category VARCHAR(255) NULL,
  status VARCHAR(32) NULL,
  currency CHAR(3) NULL,
  price_amount BIGINT NULL,
  quantity BIGINT NULL,
  images INT NOT NULL DEFAULT 0,
  created_at DATETIME(3) NULL,
  updated_at DATETIME(3) NULL,
  PRIMARY KEY (tenant, item_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Which calls have been counted, in which hour, and by which batch.
CREATE TABLE IF NOT EXISTS projected_calls (
  tenant VARCHAR(64) NOT NULL,
  call_id VARCHAR(128) NOT NULL,
  hour DATETIME NOT NULL,
  batch CHAR(32) NOT NULL,
  PRIMARY KEY (tenant, call_id),
  KEY projected_calls_by_hour (tenant, hour)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Calls by the hour. A duration's bucket is logarithmic, so that percentiles come from sums. What is
-- summed has room for any number of calls, each with as much as it may say.
CREATE TABLE IF NOT EXISTS call_hours (
  tenant VARCHAR(64) NOT NULL,
  hour DATETIME NOT NULL,
  outcome VARCHAR(32) NOT NULL,
  latency_class VARCHAR(32) NOT NULL,
  duration_bucket SMALLINT NOT NULL,
  calls BIGINT NOT NULL,
  duration_ms DECIMAL(38, 0) NOT NULL,
  bytes_in DECIMAL(38, 0) NOT NULL,
  bytes_out DECIMAL(38, 0) NOT NULL,
  PRIMARY KEY (tenant, hour, outcome, latency_class, duration_bucket)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
