/** `/v1/rates`: how fast bytes may move, by agent, tenant, host, link and job, with a calendar. */

import { z } from "zod";
import { rateView } from "../../actors/desk/messages.ts";
import { RATE_SCOPES, rateName, rateSettings } from "../../actors/bandwidth/messages.ts";
import { read, write } from "../answers.ts";
import type { Api } from "../api.ts";
import type { Gateway } from "../gateway.ts";
import { jsonBody } from "../json_body.ts";
import { page, pageQuery } from "../paging.ts";
import { acceptedSchema, listQuery, none, pageOf } from "../schemas.ts";
import { accepted } from "./actions.ts";

const TAG = "Rates";
const PATH = "/v1/rates";
const RULE = `${PATH}/{scope}/{name}`;
const ruleParameters = z.strictObject({ scope: z.enum(RATE_SCOPES), name: rateName });
const settingsBody = rateSettings.meta({ id: "RateSettings" });
const rateSchema = rateView.meta({ id: "Rate" });

/** Adds the routes. */
export function addRates(api: Api, gateway: Gateway): void {
  addListing(api, gateway);
  api.add({
    method: "put",
    path: RULE,
    operationId: "putRate",
    tag: TAG,
    summary: "Say how fast bytes may move there",
    description:
      "Felt within two seconds, by transfers under way too. `*` as the name: each of them. " +
      "A link is `SOURCE>DESTINATION`, by hosts; a place without a host is `local`.",
    scope: "admin",
    isClusterWide: true,
    params: ruleParameters,
    query: none,
    body: { description: "The rate.", content: { "application/json": settingsBody } },
    answers: [{ status: 202, description: "It holds from now on.", schema: acceptedSchema }],
    handle: async (call) => {
      const settings = jsonBody(call.request, call.text, settingsBody);
      const index = await write(gateway, call, { type: "putRate", ...call.params, settings });
      return accepted(index, PATH);
    },
  });
  api.add({
    method: "delete",
    path: RULE,
    operationId: "deleteRate",
    tag: TAG,
    summary: "Take a rule back; no error where there is none",
    scope: "admin",
    isClusterWide: true,
    params: ruleParameters,
    query: none,
    answers: [{ status: 202, description: "It holds no more.", schema: acceptedSchema }],
    handle: async (call) => {
      const index = await write(gateway, call, { type: "putRate", ...call.params, settings: null });
      return accepted(index, PATH);
    },
  });
}

function addListing(api: Api, gateway: Gateway): void {
  const { pageItems, defaultPageItems } = gateway.limits;
  api.add({
    method: "get",
    path: PATH,
    operationId: "listRates",
    tag: TAG,
    summary: "List the rules about bandwidth, and what each comes to now",
    scope: "viewer",
    isClusterWide: true,
    params: none,
    query: listQuery(pageItems, defaultPageItems, {}),
    answers: [{ status: 200, description: "A page.", schema: pageOf(rateSchema, "RatePage") }],
    handle: async (call) => {
      const filters = { type: "rates" } as const;
      const { found, ...fresh } = await read(gateway, call, call.query.consistency, {
        ...filters,
        ...pageQuery(gateway, filters, call.query),
      });
      return page(gateway, filters, { items: found.rates, next: found.next }, fresh);
    },
  });
}
