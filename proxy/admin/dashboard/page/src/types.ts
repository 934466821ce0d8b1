// SPDX-License-Identifier: Apache-2.0
// What the stream sends (docs/reference.md, "Dashboard"). All but names may be absent: the page may be newer or older
// than what it looks at.

export type State = "closed" | "open" | "half_open";

export interface Trip {
  reason?: string;
  value?: number;
  threshold?: number;
  at?: string;
  open_for_ms?: number;
  window?: { calls?: number; failures?: number; judged?: number; slow?: number };
}

export interface Breaker {
  name: string;
  state: State;
  override?: "none" | "forced_open" | "forced_closed";
  mode?: "enforce" | "shadow" | "disabled";
  last_trip?: Trip | null;
  time_in_state_ms?: number;
  retry_after_ms?: number;
  time_in_override_ms?: number;
  override_remaining_ms?: number;
  window?: {
    calls?: number;
    failures?: number;
    judged?: number;
    slow?: number;
    failure_rate?: number;
    slow_call_rate?: number;
    consecutive_failures?: number;
    consecutive_slow_calls?: number;
    failure_count?: number;
  };
  half_open?: { in_flight?: number; max_calls?: number; successes?: number; failures?: number };
  totals?: Record<string, number>;
  thresholds?: {
    consecutive_failures?: number | null;
    consecutive_slow_calls?: number | null;
    failure_count?: { threshold: number; window_ms: number } | null;
    failure_rate?: number | null;
    slow_call_rate?: { threshold: number; slower_than_ms: number; measure?: string } | null;
    minimum_calls?: number;
    window?: { type?: string; size?: number; duration_ms?: number };
    open_timeout_ms?: number;
    half_open_max_calls?: number;
    success_threshold?: number;
  };
}

export type Scalar = string | number | boolean | null;
export type Fields = { [key: string]: unknown };

export interface AddressState extends Fields {
  name: string;
  in_flight?: number;
  health_score?: number;
  latency_ms?: number | null;
  avoided?: boolean;
  breaker_state?: State;
  health_check?: { state?: string; last_result?: string | null; last_status?: number | null };
}

export interface Endpoint extends Fields {
  url: string;
  addresses?: string[];
  address_states?: AddressState[];
  look_up_error?: string | null;
}

export interface Sample {
  n: number;
  requests: number;
  failures: number;
  rejected: number;
  stale: number;
  fallbacks: number;
  p50: number | null;
  p99: number | null;
}

// What is injected into an upstream (GET /admin/faults).
export interface Fault {
  delay_ms?: number | null;
  delay_percent?: number | null;
  abort?: number | "reset" | null;
  abort_percent?: number | null;
  remaining_ms?: number;
  delayed?: number;
  aborted?: number;
}

export interface Upstream extends Fields {
  upstream: string;
  endpoints?: Endpoint[];
  endpoints_left_off?: number;
  connections?: { active?: number; idle?: number; max?: number };
  concurrent_requests?: number;
  queued_requests?: number;
  max_concurrent_requests?: number | null;
  rate_tokens?: number | null;
  response_timeout_ms?: number;
  retry_budget_left?: number | null;
  latency_ms?: { calls?: number; p50?: number | null; p90?: number | null; p99?: number | null };
  cache?: { entries?: number; bytes?: number; hits?: number; stale_answers?: number };
  sample?: Sample | null;
  fault?: Fault | null;
}

export interface Process {
  version?: string;
  uptime_ms?: number;
  ready?: boolean;
  draining?: boolean;
  token_configured?: boolean;
  last_reload?: {
    successful?: boolean;
    trigger?: string;
    at_ms?: number;
    last_success_ms?: number;
    errors?: string[];
    error_count?: number;
    warning_count?: number;
  };
  cache?: { bytes?: number; limit_bytes?: number };
}

export interface Frame {
  frame: number;
  at_ms: number;
  part: number;
  parts: number;
  process?: Process;
  breakers?: Breaker[];
  upstreams?: Upstream[];
}

export interface Hello {
  version?: string;
  at_ms: number;
  sample_interval_ms: number;
  samples: number;
}

export const kSeries = ["requests", "failures", "rejected", "stale", "fallbacks", "p50", "p99"] as const;
export type SeriesName = (typeof kSeries)[number];
export type History = { upstream: string; n: number } & { [name in SeriesName]: (number | null)[] };

export interface LoggedEvent {
  id: number;
  at: string;
  breaker: string;
  event: "transition" | "override_set" | "override_ended" | "reset" | string;
  from?: State;
  to?: State;
  reason?: string;
  value?: number;
  threshold?: number;
  window?: Trip["window"];
  open_for_ms?: number;
  override?: string;
  for_ms?: number;
  cause?: string;
}
