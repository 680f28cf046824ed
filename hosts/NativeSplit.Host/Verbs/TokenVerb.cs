using System.CommandLine;
using NativeSplit.Cluster.Identity;
using NativeSplit.Host.Composition;
using NativeSplit.Placement;

namespace NativeSplit.Host.Verbs;

/// <summary><c>token</c>: join tokens of a gateway, beside it while it runs.</summary>
internal static class TokenVerb
{
    public static Command Create() => new("token", "Make, list and take back the tokens that workers join with.")
    {
        CreateCreate(), CreateList(), CreateRevoke(),
    };

    private static Command CreateCreate()
    {
        Argument<string> node = new("node") { Description = "Name in the plan that the worker joins under." };
        Option<int> minutes = new("--minutes") { Description = "How long the token may be used.", HelpName = "N", DefaultValueFactory = _ => (int)JoinTokenStore.Lifetime.TotalMinutes };
        Option<bool> trusted = new("--trusted") { Description = "Trust the worker that joins with it: layers that must stay private may run there. Its certificate says so." };
        Option<string> data = AuthorityFolder.Option();
        Command command = new("create", "Make a token that lets one worker join once. Printed this one time; only its hash is kept.") { node, minutes, trusted, data };
        command.SetAction(parsed =>
        {
            string name = parsed.GetRequiredValue(node);
            if (!NodeId.IsValid(name))
            {
                throw new UsageException($"The node's name '{name}' must be 1 to 63 of a-z, 0-9 and '-'.");
            }

            int life = parsed.GetValue(minutes);
            if (life < 1 || life > JoinTokenStore.LongestLifetime.TotalMinutes)
            {
                throw new UsageException($"--minutes {life} must be 1 to {JoinTokenStore.LongestLifetime.TotalMinutes:0}.");
            }

            using AuthorityFolder folder = AuthorityFolder.Open(parsed.GetRequiredValue(data));
            Console.Out.WriteLine(folder.Tokens.Create(new NodeId(name), TimeSpan.FromMinutes(life), parsed.GetValue(trusted)).ToText());
            return ExitCode.Done;
        });
        return command;
    }

    private static Command CreateList()
    {
        Option<string> data = AuthorityFolder.Option();
        Command command = new("list", "List the tokens that can still be used: id, node, end, and whether its node will be trusted.") { data };
        command.SetAction(parsed =>
        {
            using AuthorityFolder folder = AuthorityFolder.Open(parsed.GetRequiredValue(data));
            foreach (OpenToken token in folder.Tokens.List())
            {
                Console.Out.WriteLine($"{token.Id}  {token.Node}  {token.Expiry:u}{(token.Trusted ? "  trusted" : string.Empty)}");
            }

            return ExitCode.Done;
        });
        return command;
    }

    private static Command CreateRevoke()
    {
        Argument<string> id = new("id") { Description = "Id of the token, as 'token list' shows it." };
        Option<string> data = AuthorityFolder.Option();
        Command command = new("revoke", "Take a token back before it was used.") { id, data };
        command.SetAction(parsed =>
        {
            using AuthorityFolder folder = AuthorityFolder.Open(parsed.GetRequiredValue(data));
            string wanted = parsed.GetRequiredValue(id);
            return folder.Tokens.Revoke(wanted)
                ? ExitCode.Done
                : throw new UsageException($"No open token has the id '{wanted}': it was used, has ended, or never was. See 'nativesplit token list'.");
        });
        return command;
    }
}
