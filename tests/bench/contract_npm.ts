// Every method of the npm package that is in scope, with every parameter it documents. `Whole` makes each of them
// required, so that the compiler refuses a program that leaves one out. What the service answered goes out raw, a line
// of JSON each; `tests.bench.contract_npm` parses it.

import Kernel, { BadRequestError } from '@onkernel/sdk';
import type * as Auth from '@onkernel/sdk/resources/auth/connections';
import type { APIKeyCreateParams, APIKeyListParams, APIKeyRotateParams } from '@onkernel/sdk/resources/api-keys';
import type { CredentialCreateParams, CredentialListParams, CredentialUpdateParams } from '@onkernel/sdk/resources/credentials';
import type {
  CredentialProviderCreateParams, CredentialProviderListParams, CredentialProviderUpdateParams,
} from '@onkernel/sdk/resources/credential-providers';
import type { ProfileListParams } from '@onkernel/sdk/resources/profiles';
import type { ProjectListParams, ProjectUpdateParams } from '@onkernel/sdk/resources/projects/projects';
import type { ProxyCreateParams, ProxyListParams } from '@onkernel/sdk/resources/proxies';

declare const process: { argv: string[]; stdout: { write(text: string): void } };

type Whole<T> = { [K in keyof T]-?: Exclude<T[K], undefined> };
type Given = Record<'url' | 'key' | 'demo' | 'email' | 'password' | 'outside' | 'token', string> & { port: number };

const given: Given = JSON.parse(process.argv[2] ?? '{}');
const domain = given.demo.replace('http://', '');
const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const unique = (prefix: string) => `${prefix}-${Math.random().toString(36).slice(2, 10)}`;
const tell = (record: object) => process.stdout.write(`${JSON.stringify(record)}\n`);

let current = '';
let requests = 0;

async function noting(input: string | URL | Request, init?: RequestInit): Promise<Response> {
  const method = current;
  requests += 1;
  const response = await fetch(input, init);
  const type = response.headers.get('content-type') ?? '';
  if (response.status !== 204 && type.startsWith('application/json')) {
    tell({ method, status: response.status, body: await response.clone().json() });
  } else if (!type.startsWith('text/event-stream')) {
    tell({ method, status: response.status, body: null });
  }
  return response;
}

const kernel = new Kernel({ baseURL: given.url, apiKey: given.key, fetch: noting });
const resources = ['apiKeys', 'auth.connections', 'credentialProviders', 'credentials', 'profiles', 'projects', 'projects.limits', 'proxies'];
const uncalled = new Set<string>();

// Before each method stands one that notes its name; what is declared and never called is told at the end.
for (const path of resources) {
  const resource = path.split('.').reduce<any>((found, part) => found[part], kernel);
  for (const name of Object.getOwnPropertyNames(Object.getPrototypeOf(resource))) {
    if (name === 'constructor' || name.startsWith('_')) continue;
    const full = snake(`${path}.${name}`);
    const real = resource[name].bind(resource);
    uncalled.add(full);
    resource[name] = (...parameters: unknown[]) => {
      uncalled.delete(full);
      current = full;
      return real(...parameters);
    };
  }
}

async function refused(call: Promise<unknown>): Promise<void> {
  const before = requests;
  try {
    await call;
  } catch (error) {
    if (error instanceof BadRequestError && requests - before <= 1) return;
    throw error;
  }
  throw new Error(`${current} should have been refused`);
}

async function keys(): Promise<void> {
  const project = await kernel.projects.create({ name: unique('keys') });
  const create: Whole<APIKeyCreateParams> = { name: unique('key'), days_to_expire: 3, project_id: project.id };
  const made = await kernel.apiKeys.create(create);
  await kernel.apiKeys.retrieve(made.id, { include_deleted: true });
  await kernel.apiKeys.update(made.id, { name: unique('renamed') });
  const rotate: Whole<APIKeyRotateParams> = { days_to_expire: 2, expire_in_days: 0 };
  await kernel.apiKeys.rotate(made.id, rotate);
  const list: Whole<APIKeyListParams> = {
    include_deleted: true, limit: 5, name: made.name, offset: 0, query: made.id, sort_by: 'name', sort_direction: 'asc', status: 'all',
  };
  for await (const key of kernel.apiKeys.list(list)) if (!key.masked_key) throw new Error('no mask');
  await kernel.apiKeys.delete(made.id);
}

async function projects(): Promise<void> {
  const made = await kernel.projects.create({ name: unique('project') });
  await kernel.projects.retrieve(made.id);
  const update: Whole<ProjectUpdateParams> = { name: unique('renamed'), status: 'active' };
  await kernel.projects.update(made.id, update);
  const list: Whole<ProjectListParams> = { limit: 5, name: made.name, offset: 0, query: 'project' };
  await kernel.projects.list(list);
  await kernel.projects.limits.update(made.id, { max_concurrent_invocations: 0, max_concurrent_sessions: 5 });
  await refused(kernel.projects.limits.update(made.id, { max_pooled_sessions: 1 }));
  await kernel.projects.limits.retrieve(made.id);
  await kernel.projects.delete(made.id);
}

async function credentials(): Promise<void> {
  const create: Whole<CredentialCreateParams> = {
    domain, name: unique('credential'), values: { username: 'a', spare: 'b' }, sso_provider: 'google', totp_secret: 'JBSWY3DPEHPK3PXP',
  };
  const made = await kernel.credentials.create(create);
  if (!made.totp_code) throw new Error('no code for a fresh seed');
  await kernel.credentials.retrieve(made.name);
  const update: Whole<CredentialUpdateParams> = {
    name: unique('renamed'), remove_value_keys: ['spare'], sso_provider: null, totp_secret: 'JBSWY3DPEHPK3PXP', values: { password: 'c' },
  };
  await kernel.credentials.update(made.id, update);
  await kernel.credentials.totpCode(made.id);
  const list: Whole<CredentialListParams> = { domain, limit: 5, offset: 0, query: made.id };
  const page = await kernel.credentials.list(list);
  if (page.items.length !== 1) throw new Error('the list does not find the credential by id');
  await kernel.credentials.delete(made.id);
}

async function providers(): Promise<void> {
  const create: Whole<CredentialProviderCreateParams> = {
    token: given.token, name: unique('provider'), provider_type: 'onepassword', cache_ttl_seconds: 60,
  };
  const cloud = await kernel.credentialProviders.create(create);
  await kernel.credentialProviders.delete(cloud.id);
  const connect = { ...create, name: unique('provider'), server_url: given.outside }; // ours: a Connect server
  const made = await kernel.credentialProviders.create(connect);
  await kernel.credentialProviders.retrieve(made.id);
  const update: Whole<CredentialProviderUpdateParams> = {
    token: given.token, cache_ttl_seconds: 0, enabled: true, name: unique('renamed'), priority: 7,
  };
  await kernel.credentialProviders.update(made.id, update);
  const list: Whole<CredentialProviderListParams> = { limit: 5, offset: 0, query: made.id };
  await kernel.credentialProviders.list(list);
  await kernel.credentialProviders.listItems(made.id);
  const tested = await kernel.credentialProviders.test(made.id);
  if (!tested.success) throw new Error('the test of the provider failed');
  await kernel.credentialProviders.delete(made.id);
}

async function profiles(): Promise<void> {
  const made = await kernel.profiles.create({ name: unique('profile') });
  await kernel.profiles.retrieve(made.id);
  await kernel.profiles.update(made.id, { name: unique('renamed') });
  const list: Whole<ProfileListParams> = { limit: 5, name: 'nobody', offset: 0, query: 'renamed' };
  await kernel.profiles.list(list);
  for (const format of ['tar', 'tar.zst'] as const) await (await kernel.profiles.download(made.id, { format })).arrayBuffer();
  const state = await (await kernel.profiles.download(made.id)).json();
  if (!Array.isArray(state.cookies)) throw new Error('no cookies');
  await kernel.profiles.delete(made.id);
}

async function proxies(): Promise<void> {
  const config: Whole<Omit<ProxyCreateParams.CreateCustomProxyConfig, 'ca_bundle'>> = {
    host: '127.0.0.1', port: given.port, password: 'secret', username: 'u',
  };
  const create: Whole<ProxyCreateParams> = { type: 'custom', bypass_hosts: ['localhost'], config, name: unique('proxy'), protocol: 'http' };
  const made = await kernel.proxies.create(create);
  const id = made.id ?? '';
  await kernel.proxies.retrieve(id);
  await kernel.proxies.update(id, { name: unique('renamed') });
  const list: Whole<ProxyListParams> = { limit: 5, name: 'nobody', offset: 0, query: id };
  await kernel.proxies.list(list);
  await kernel.proxies.check(id, { url: given.demo });
  for (const type of ['datacenter', 'isp', 'residential', 'mobile'] as const) await refused(kernel.proxies.create({ type }));
  await kernel.proxies.delete(id);
}

async function spare(): Promise<string> {
  const config = { host: '127.0.0.1', port: 9 };
  return (await kernel.proxies.create({ type: 'custom', protocol: 'http', config })).id ?? '';
}

async function connections(): Promise<void> {
  const credential = await kernel.credentials.create({ domain, name: unique('empty'), values: {} });
  const telemetry = { enabled: true, browser: { console: { enabled: true } } };
  const create: Whole<Auth.ConnectionCreateParams> & { browser: object } = {
    domain, profile_name: unique('work'), allowed_domains: ['*.sso.example'], auto_reauth: false, browser_telemetry: telemetry,
    credential: { name: credential.name }, health_check_interval: 600, health_checks: false, login_url: `${given.demo}/login`,
    proxy: { id: await spare() }, record_session: false, save_credentials: false, browser: { stealth: false },
  };
  const made = await kernel.auth.connections.create(create);
  const update: Whole<Auth.ConnectionUpdateParams> = {
    allowed_domains: [], auto_reauth: true, browser_telemetry: null, credential: { name: credential.name },
    health_check_interval: 3600, health_checks: true, login_url: `${given.demo}/login`, proxy: { id: await spare() },
    record_session: false, save_credentials: true,
  };
  await kernel.auth.connections.update(made.id, update);
  await kernel.auth.connections.update(made.id, { browser: { proxy: { mode: 'direct' } } } as Auth.ConnectionUpdateParams);
  const wrong: { [K in keyof Whole<Auth.ConnectionSubmitParams>]: Pick<Whole<Auth.ConnectionSubmitParams>, K> } = {
    field_values: { field_values: { a: 'b' } },
    fields: { fields: { email: 'a' } },
    mfa_option_id: { mfa_option_id: 'sms' },
    selected_choice_id: { selected_choice_id: 'c' },
    sign_in_option_id: { sign_in_option_id: 'x' },
    sso_button_selector: { sso_button_selector: '//button' },
    sso_provider: { sso_provider: 'google' },
  };
  for (const body of Object.values(wrong)) await refused(kernel.auth.connections.submit(made.id, body));
  const login: Whole<Omit<Auth.ConnectionLoginParams, 'proxy'>> = { browser_telemetry: telemetry, record_session: false };
  const started = await kernel.auth.connections.login(made.id, login);
  if (!started.hosted_url) throw new Error('no hosted page');
  await answered(made.id);
  const after = await kernel.auth.connections.retrieve(made.id);
  if (after.status !== 'AUTHENTICATED' || after.flow_status !== 'SUCCESS') throw new Error(`not signed in: ${after.error_code}`);
  await refused(kernel.auth.connections.login(made.id, { proxy: { id: 'proxy_nobody' } }));
  const timeline: Whole<Auth.ConnectionTimelineParams> = { limit: 5, offset: 0, type: 'login' };
  await kernel.auth.connections.timeline(made.id, timeline);
  const list: Whole<Auth.ConnectionListParams> = { domain, limit: 5, offset: 0, profile_name: after.profile_name, query: made.id };
  const page = await kernel.auth.connections.list(list);
  if (page.items[0]?.id !== made.id) throw new Error('the list does not find the connection');
  await kernel.auth.connections.delete(made.id);
}

async function answered(id: string): Promise<void> {
  for await (const event of await kernel.auth.connections.follow(id)) {
    current = 'auth.connections.follow';
    tell({ method: current, status: 200, body: event });
    if (event.event !== 'managed_auth_state' || event.flow_step !== 'AWAITING_INPUT') continue;
    // This version of the package knows no interaction: one pause is answered by field id, the other the older way.
    const values: Record<string, string> = {};
    for (const field of event.fields ?? []) values[field.id] = field.type === 'password' ? given.password : given.email;
    const older: Record<string, string> = {};
    for (const field of event.discovered_fields ?? []) older[field.name] = field.type === 'password' ? given.password : given.email;
    await refused(kernel.auth.connections.submit(id, { fields: { nothing: 'asked' } }));
    const body = Object.keys(values).length ? { field_values: values } : { fields: older };
    const { accepted } = await kernel.auth.connections.submit(id, body);
    if (!accepted) throw new Error('not accepted');
  }
}

for (const part of [keys, projects, credentials, providers, profiles, proxies, connections]) await part();
tell({ uncalled: [...uncalled] });
