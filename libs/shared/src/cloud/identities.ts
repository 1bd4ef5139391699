import type { Clock } from '../base/index.ts';
import type { KubeClient } from '../kube/index.ts';
import type { Dispatcher } from '../net/index.ts';
import { awsAccountLogin, awsAudience, roleOf } from './aws/account.ts';
import { awsControllerLogin } from './aws/controller.ts';
import { type AwsCredentials, awsKey } from './aws/credentials.ts';
import { ecrLogin, ecrRegistry } from './aws/registry.ts';
import {
  azureAccountLogin,
  azureAudience,
  azureClientOf,
  azureControllerLogin,
} from './azure/login.ts';
import { acrLogin, checkAcr } from './azure/registry.ts';
import { azureScopes } from './azure/scopes.ts';
import { CloudLoginError, FeatureGateError } from './cloud-error.ts';
import type { ControllerDoors } from './controller-doors.ts';
import type { CloudEnvironment } from './environment.ts';
import type { CloudDoor } from './exchange.ts';
import { gcpAccountLogin, gcpAccountOf, gcpControllerLogin } from './gcp/login.ts';
import { type CloudName, checkGar, garUser, type RegistryCredentials } from './registry.ts';
import { type AccountRef, accountAnnotations, accountToken } from './service-account.ts';
import type { Issued, TokenCache, TokenUser } from './token-cache.ts';

export interface CloudIdentitiesOptions {
  environment: CloudEnvironment;
  /** Feature gate `ObjectLevelWorkloadIdentity`. */
  isObjectLevel: boolean;
  /** Account of objects that name none; empty for none. */
  defaultServiceAccount: string;
  /** Name of the flag that says so. */
  defaultFlag: string;
  tokens: TokenCache;
  /** To addresses of the machine, such as its metadata server: no object names them. */
  local: Dispatcher;
  clock: Clock;
}

/** The object that needs a login. */
export interface CloudCaller {
  /** Reads ServiceAccounts, and makes their tokens. */
  client: KubeClient;
  namespace: string;
  /** Of the object; without, the controller's own identity is used. */
  serviceAccountName?: string | undefined;
  /** Whom the token of an account is for, when not for the usual one of the cloud. */
  audiences?: readonly string[] | undefined;
  user?: TokenUser | undefined;
  /** A token of before that did not work. */
  refused?: string | undefined;
  /** To services of the cloud, with the guard before it. */
  dispatcher: Dispatcher;
  /** Tells ways to reach the same services apart: the proxy of the object. */
  via: string;
  /** What lets others read a token on its way to the service that takes it, such as a CA that the object names. */
  exposedBy?: string | undefined;
  signal: AbortSignal;
}

/** As long as those that pods have. */
const clusterTokenSeconds = 3600;

/** Region, and token service, for AWS. */
export interface AwsPlace {
  region?: string;
  endpoint?: string;
}

/** Logins to clouds: as the ServiceAccount that an object names, or as the controller itself. */
export class CloudIdentities {
  readonly #o: CloudIdentitiesOptions;

  constructor(o: CloudIdentitiesOptions) {
    this.#o = o;
  }

  /** As whom the controller itself logs in. */
  get environment(): CloudEnvironment {
    return this.#o.environment;
  }

  /** The same logins, with another account for objects that name none. */
  withAccount({ flag, name }: { flag: string; name: string }): CloudIdentities {
    return new CloudIdentities({
      ...this.#o,
      defaultFlag: flag,
      defaultServiceAccount: name,
    });
  }

  /** Logins that were issued. */
  get tokens(): TokenCache {
    return this.#o.tokens;
  }

  /**
   * Logs in to AWS.
   *
   * @throws CloudLoginError; FeatureGateError when objects may not name ServiceAccounts
   */
  async aws(caller: CloudCaller, place: AwsPlace = {}): Promise<AwsCredentials> {
    const { region = '', endpoint = '' } = place;
    const account = this.#accountOf(caller);
    if (account === undefined) {
      return this.#get(caller, ['aws', region, endpoint], (doors) =>
        awsControllerLogin(doors, place),
      );
    }
    const role = roleOf(await this.#annotations(caller, account));
    const key = ['aws', ...accountKey(account, caller), role, region, endpoint];
    return this.#get(caller, key, async ({ door }) => {
      const token = await this.#accountToken(caller, account, awsAudience);
      return awsAccountLogin({ account, role, token, ...place }, door);
    });
  }

  /**
   * Gets a token of Azure.
   *
   * @param scope what it is for
   * @throws as {@link aws}
   */
  async azure(caller: CloudCaller, scope: string): Promise<string> {
    const account = this.#accountOf(caller);
    if (account === undefined) {
      return this.#get(caller, ['azure', scope], (doors) => azureControllerLogin(doors, scope));
    }
    const annotations = await this.#annotations(caller, account);
    const client = azureClientOf(annotations, this.#o.environment.AZURE_AUTHORITY_HOST);
    const key = ['azure', ...accountKey(account, caller), client.tenant, client.client, scope];
    return this.#get(caller, key, async ({ door }) => {
      const token = await this.#accountToken(caller, account, azureAudience);
      return azureAccountLogin(client, { token, scope }, door);
    });
  }

  /**
   * Gets a token of Google's cloud.
   *
   * @throws as {@link aws}
   */
  async gcp(caller: CloudCaller): Promise<string> {
    const account = this.#accountOf(caller);
    if (account === undefined) return this.#get(caller, ['gcp'], gcpControllerLogin);
    const annotations = await this.#annotations(caller, account);
    const { local } = this.#doors(caller);
    const identity = await gcpAccountOf(annotations, this.#o.environment, local);
    const { audience, exchangeAudience, email = '' } = identity;
    const key = ['gcp', ...accountKey(account, caller), audience, exchangeAudience, email];
    return this.#get(caller, key, async ({ door }) => {
      const token = await this.#accountToken(caller, account, audience);
      return gcpAccountLogin(identity, token, door);
    });
  }

  /**
   * Gets a token of the ServiceAccount itself, for a cluster that trusts those of this one. There is none of the
   * controller: whoever names the audience and where the token goes could act as it.
   *
   * @throws as {@link aws}, and CloudLoginError when no ServiceAccount is named
   */
  async account(caller: CloudCaller, audiences: readonly string[]): Promise<string> {
    const account = this.#accountOf(caller);
    if (account === undefined) {
      throw new CloudLoginError(
        `the controller's identity is not used where an object names the address: set serviceAccountName to a ServiceAccount of namespace '${caller.namespace}', or choose one with --${this.#o.defaultFlag}`,
      );
    }
    const key = ['account', ...accountKey(account, { audiences })];
    return this.#get(caller, key, ({ door }) => {
      const o = { audiences, seconds: clusterTokenSeconds };
      return accountToken(caller.client, account, o, door.signal);
    });
  }

  /** Whether an object logs in as the controller, and not as a ServiceAccount. */
  isController({ serviceAccountName }: Pick<CloudCaller, 'serviceAccountName'>): boolean {
    return (serviceAccountName || this.#o.defaultServiceAccount) === '';
  }

  /**
   * Gets a login for a registry of a cloud.
   *
   * @param host of the registry, with its port if it has one
   * @throws as {@link aws}, and CloudLoginError when it is no registry of that cloud
   */
  async registry(
    cloud: CloudName,
    host: string,
    caller: CloudCaller,
  ): Promise<RegistryCredentials> {
    if (cloud === 'gcp') {
      checkGar(host);
      return { username: garUser, password: await this.gcp(caller) };
    }
    if (cloud === 'azure') {
      checkAcr(host);
      const token = await this.azure(caller, azureScopes.registry);
      return this.#get(caller, ['acr', host, token], ({ door }) => acrLogin(host, token, door));
    }
    const registry = ecrRegistry(host);
    const credentials = await this.aws(caller, { region: registry.region });
    const key = ['ecr', registry.region, String(registry.isPublic), ...awsKey(credentials)];
    return this.#get(caller, key, ({ door }) => ecrLogin(registry, credentials, door));
  }

  /**
   * Gets what is issued otherwise, from the cache when it was issued already.
   *
   * @param key all that it depends on, its kind first
   * @throws what `issue` throws
   */
  issued<T>(
    caller: Omit<CloudCaller, 'client' | 'namespace' | 'serviceAccountName'>,
    key: string[],
    issue: (door: CloudDoor) => Promise<Issued<T>>,
  ): Promise<T> {
    return this.#get(caller, key, ({ door }) => issue(door));
  }

  /** Forgets what was issued for a key and did not work: it may have been withdrawn. */
  forget({ via }: Pick<CloudCaller, 'via'>, key: string[]): void {
    this.#o.tokens.forget([...key, via]);
  }

  #get<T>(
    caller: Pick<CloudCaller, 'dispatcher' | 'via' | 'user' | 'refused' | 'signal'>,
    key: string[],
    issue: (doors: ControllerDoors) => Promise<Issued<T>>,
  ): Promise<T> {
    const { via, ...use } = caller;
    return this.#o.tokens.get([...key, via], use, () => issue(this.#doors(caller)));
  }

  /** What is issued may be for several objects, so that it does not end with the first one: each request has its time. */
  #doors({ dispatcher }: Pick<CloudCaller, 'dispatcher'>): ControllerDoors {
    const { environment, local, clock } = this.#o;
    const { signal } = new AbortController();
    return {
      environment,
      door: { dispatcher, signal, clock },
      local: { dispatcher: local, signal, clock },
    };
  }

  #accountOf({ namespace, serviceAccountName, exposedBy }: CloudCaller): AccountRef | undefined {
    const { defaultServiceAccount, defaultFlag, isObjectLevel } = this.#o;
    const name = serviceAccountName || defaultServiceAccount;
    if (name === '') {
      refuseExposed(exposedBy);
      return undefined;
    }
    if (!isObjectLevel) throw new FeatureGateError();
    return { namespace, name, ...(!serviceAccountName && { chosenBy: defaultFlag }) };
  }

  async #accountToken(caller: CloudCaller, account: AccountRef, usual: string): Promise<string> {
    const { signal } = new AbortController();
    const { audiences = [usual] } = caller;
    return (await accountToken(caller.client, account, { audiences }, signal)).value;
  }

  #annotations({ client, signal }: CloudCaller, account: AccountRef) {
    return accountAnnotations(client, account, signal);
  }
}

/**
 * Refuses to use the identity of the controller where others could read its token: it may do more than the object's
 * owner.
 *
 * @throws CloudLoginError
 */
export function refuseExposed(exposedBy: string | undefined): void {
  if (exposedBy === undefined) return;
  throw new CloudLoginError(
    `the controller's identity is not used with ${exposedBy}, by which others could read its token: leave that out, or log in as a ServiceAccount with spec.serviceAccountName`,
  );
}

function accountKey(
  { namespace, name }: AccountRef,
  { audiences = [] }: Pick<CloudCaller, 'audiences'>,
): string[] {
  return [namespace, name, ...audiences];
}

/** Runs work that logs in, and gives its failures the form in which a service reports them. */
export async function withLogin<T>(
  run: () => Promise<T>,
  toError: (error: CloudLoginError) => Error,
): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof CloudLoginError) throw toError(error);
    throw error;
  }
}
