import type { DashboardSpec } from './dashboard.ts'
import { GATES } from './gates.ts'
import { PRODUCTION } from './production.ts'
import { SERVICE } from './service.ts'
import { SLO } from './slo.ts'
import { SOAK } from './soak.ts'
import { TELEMETRY } from './telemetry.ts'

export const ALL_DASHBOARDS: readonly DashboardSpec[] = [PRODUCTION, SERVICE, SOAK, GATES, SLO, TELEMETRY]
