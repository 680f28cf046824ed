using System.Reflection;
using System.Text;
using NativeSplit.Testing;
using NativeSplit.Transport.Frames;
using NativeSplit.Transport.Handshakes;
using NativeSplit.Transport.Links;
using NativeSplit.Transport.Tests.Support;

namespace NativeSplit.Transport.Tests;

/// <summary>Nothing crosses a link in clear, and nobody can ask for it.</summary>
public sealed class PlaintextTests
{
    private static readonly string[] Suspicious =
        ["plain", "clear", "insecure", "unencrypted", "unsealed", "encrypt", "disabletls", "notls", "skip", "allowany", "trustall", "anonymous", "unsafe"];

    [Fact]
    public void PublicSurface_OffersNoPlaintextLink_WhenReflected()
    {
        foreach (Type type in typeof(SealedLink).Assembly.GetExportedTypes())
        {
            foreach (MemberInfo member in type.GetMembers(BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly))
            {
                Assert.DoesNotContain(Suspicious, word => member.Name.Contains(word, StringComparison.OrdinalIgnoreCase));
                if (member is MethodBase method)
                {
                    Assert.DoesNotContain(method.GetParameters(), parameter => Suspicious.Any(
                        word => parameter.Name!.Contains(word, StringComparison.OrdinalIgnoreCase)));
                }
            }
        }

        // Links come from two doors only, and both take credentials; a yes-or-no option to weaken them doesn't exist.
        Assert.Empty(typeof(SealedLink).GetConstructors());
        Assert.DoesNotContain(typeof(LinkOptions).GetProperties(), property => property.PropertyType == typeof(bool));
        MethodInfo[] doors = [.. typeof(SealedLink).Assembly.GetExportedTypes().SelectMany(type => type.GetMethods())
            .Where(method => method.ReturnType == typeof(ValueTask<SealedLink>) || method.ReturnType == typeof(SealedLink))];
        Assert.Equal(["AcceptAsync", "ConnectAsync"], doors.Select(method => method.Name).Order());
        Assert.Contains(typeof(LinkCredentials), typeof(LinkConnector).GetMethod("ConnectAsync")!.GetParameters().Select(p => p.ParameterType));
        Assert.Equal([typeof(LinkCredentials)], typeof(CredentialSource).GetConstructors().SelectMany(made => made.GetParameters()).Select(p => p.ParameterType));
        Assert.Contains(typeof(CredentialSource), typeof(LinkListener).GetMethod("Start")!.GetParameters().Select(p => p.ParameterType));
    }

    [Fact]
    public void Sources_ReadNoEnvironmentAndNoSwitch_WhenSearched()
    {
        string folder = Path.Combine(TestData.RepositoryRoot, "transport", "NativeSplit.Transport");
        string[] files = [.. Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories)
            .Where(file => !file.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal))];
        Assert.True(files.Length > 20);
        foreach (string file in files)
        {
            string text = File.ReadAllText(file);
            Assert.DoesNotContain("GetEnvironmentVariable", text, StringComparison.Ordinal);
            Assert.DoesNotContain("AppContext.", text, StringComparison.Ordinal);
            Assert.DoesNotContain("#if", text, StringComparison.Ordinal);
        }
    }

    [Fact(Timeout = 60_000)]
    public async Task Wire_NeverShowsThePayload_WhenCaptured()
    {
        CancellationToken token = TestContext.Current.CancellationToken;
        byte[] pattern = Encoding.ASCII.GetBytes("the quick brown fox jumps over the lazy dog. ");
        byte[] payload = [.. Enumerable.Repeat(pattern, 200).SelectMany(bytes => bytes)];
        var header = new FrameHeader(0x0807060504030201, 0x1817161514131211, 0x2221, 0x31, 0x44434241, 0x54535251);
        await using LinkPair pair = await LinkPair.OpenAsync(relay: endpoint => new Relay(endpoint));
        for (int i = 0; i < 5; i++)
        {
            await pair.Connector.SendAsync(FrameType.Activations, header, payload, token);
            await pair.Acceptor.ReceiveAsync(token);
            Assert.Equal(payload, pair.Acceptor.Payload.ToArray());
            await pair.Acceptor.SendAsync(FrameType.Control, header, payload, token);
            await pair.Connector.ReceiveAsync(token);
        }

        await pair.Connector.DisposeAsync();
        int frameBytes = FrameLayout.FrameBytes(payload.Length);
        foreach (Way way in Enum.GetValues<Way>())
        {
            byte[] data = pair.Relay!.RecordOf(ConnectionKind.Data, way);
            byte[] control = pair.Relay!.RecordOf(ConnectionKind.Control, way);
            Assert.True(data.Length > 5 * frameBytes, "The relay saw the frames.");
            Assert.NotEmpty(control);
            foreach (byte[] seen in (byte[][])[data, control])
            {
                // Any eight bytes of the text, at any place, would be a leak; so would the inner header.
                for (int i = 0; i < pattern.Length - 8; i++)
                {
                    Assert.Equal(-1, seen.AsSpan().IndexOf(pattern.AsSpan(i, 8)));
                }

                Assert.Equal(-1, seen.AsSpan().IndexOf((ReadOnlySpan<byte>)[1, 2, 3, 4, 5, 6, 7, 8]));
                Assert.Equal(-1, seen.AsSpan().IndexOf("spiffe://"u8));
            }
        }
    }
}
