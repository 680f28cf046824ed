using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using NativeSplit.Cluster.Plans;
using NativeSplit.Cluster.Weights;
using NativeSplit.Transport.Links;

namespace NativeSplit.Cluster.Identity;

/// <summary>Keeps identities in a folder that only its owner can read: PEM files with mode 0600 in a folder that is made with mode 0700.</summary>
/// <param name="folder">The folder; made when first written.</param>
public sealed class CredentialStore(string folder)
{
    private const UnixFileMode FolderMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode PrivateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>The folder.</summary>
    public string Folder => folder;

    private string AuthorityPath => Path.Combine(folder, "authority.pem");

    private string NodePath => Path.Combine(folder, "node.pem");

    private string RootPath => Path.Combine(folder, "root.pem");

    private string RegistryPath => Path.Combine(folder, "registry.json");

    private string RegistryLockPath => Path.Combine(folder, "registry.lock");

    private string SecretPath => Path.Combine(folder, "weights.key");

    private string WeightKeyPath => Path.Combine(folder, "weights.pem");

    private string PlanMarkPath => Path.Combine(folder, "plan.json");

    private string GatewayPath => Path.Combine(folder, "gateway.txt");

    /// <summary>Name, role and label in a certificate.</summary>
    /// <exception cref="ClusterException"><see cref="ClusterFault.BadIdentity"/>: it has no SPIFFE name of ours.</exception>
    public static NodeIdentity IdentityOf(X509Certificate2 certificate)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        return NodeIdentity.TryRead(certificate, out NodeIdentity identity)
            ? identity
            : throw new ClusterException(ClusterFault.BadIdentity, $"The certificate '{certificate.Subject}' names no node of a NativeSplit cluster.");
    }

    /// <summary>The authority kept here, or a new one, which is kept.</summary>
    public ClusterAuthority LoadOrCreateAuthority(TimeProvider time)
    {
        if (File.Exists(AuthorityPath))
        {
            return ClusterAuthority.FromCertificate(LoadPem(AuthorityPath), time);
        }

        ClusterAuthority authority = ClusterAuthority.Create(time);
        SavePem(AuthorityPath, authority.Certificate);
        return authority;
    }

    /// <summary>Keeps a joined node's identity.</summary>
    public void Save(JoinedNode node)
    {
        ArgumentNullException.ThrowIfNull(node);
        SavePem(NodePath, node.Credentials.Certificate);
        Write(RootPath, node.Credentials.Authority.ExportCertificatePem());
        Write(GatewayPath, node.Gateway.Uri);
    }

    /// <summary>The identity of a node that joined earlier and whose certificate still holds; null when there is none.</summary>
    /// <param name="time">Clock for validity.</param>
    /// <param name="token">Token at hand, or null. An identity of another authority than the token's is passed over: its cluster is gone.</param>
    /// <exception cref="ClusterException"><see cref="ClusterFault.BadIdentity"/>: the files are damaged.</exception>
    public JoinedNode? TryLoad(TimeProvider time, JoinToken? token = null)
    {
        ArgumentNullException.ThrowIfNull(time);
        if (!File.Exists(NodePath) || !File.Exists(RootPath) || !File.Exists(GatewayPath))
        {
            return null;
        }

        X509Certificate2 root = Guard(RootPath, path => X509Certificate2.CreateFromPem(File.ReadAllText(path)));
        if (token is not null && !token.AuthorityHash.Span.SequenceEqual(SHA256.HashData(root.RawData)))
        {
            root.Dispose();
            return null;
        }

        X509Certificate2 certificate = LoadPem(NodePath);
        if (time.GetUtcNow() >= certificate.NotAfter.ToUniversalTime())
        {
            certificate.Dispose();
            return null;
        }

        if (!NodeIdentity.TryParse(Guard(GatewayPath, File.ReadAllText).Trim(), out NodeIdentity gateway))
        {
            certificate.Dispose();
            throw new ClusterException(ClusterFault.BadIdentity, $"{GatewayPath} doesn't hold a gateway's name; remove {folder} and join again.");
        }

        return new JoinedNode(IdentityOf(certificate), gateway, new LinkCredentials(certificate, root));
    }

    /// <summary>The authority kept here.</summary>
    /// <exception cref="ClusterException"><see cref="ClusterFault.BadIdentity"/>: none is kept here, or it is damaged.</exception>
    public ClusterAuthority LoadAuthority(TimeProvider time) => File.Exists(AuthorityPath)
        ? ClusterAuthority.FromCertificate(LoadPem(AuthorityPath), time)
        : throw new ClusterException(ClusterFault.BadIdentity, $"{folder} holds no cluster authority; give the folder that 'nativesplit serve --data' uses.");

    /// <summary>Certificate of the authority that this folder's node or gateway belongs to; the caller owns it.</summary>
    /// <exception cref="ClusterException"><see cref="ClusterFault.BadIdentity"/>: none is kept here, or it is damaged.</exception>
    public X509Certificate2 LoadAuthorityCertificate()
    {
        string? path = File.Exists(AuthorityPath) ? AuthorityPath : File.Exists(RootPath) ? RootPath : null;
        return path is null
            ? throw new ClusterException(ClusterFault.BadIdentity, $"{folder} holds neither a cluster authority nor a node's identity; give the folder that 'nativesplit serve' or 'nativesplit worker' was given with --data.")
            : Guard(path, static p => X509Certificate2.CreateFromPem(File.ReadAllText(p)));
    }

    /// <summary>The secret that data keys of weights follow from; null when no model was pushed with this folder.</summary>
    /// <exception cref="ClusterException"><see cref="ClusterFault.BadIdentity"/>: it is damaged.</exception>
    public RegistrySecret? TryLoadRegistrySecret() => !File.Exists(SecretPath) ? null : Guard(SecretPath, static path =>
    {
        Span<byte> secret = stackalloc byte[RegistrySecret.Bytes];
        return Convert.TryFromBase64String(File.ReadAllText(path).Trim(), secret, out int length) && length == RegistrySecret.Bytes
            ? new RegistrySecret(secret)
            : throw new CryptographicException("It isn't 32 bytes in base64.");
    });

    /// <summary>The secret that data keys of weights follow from, or a new one, which is kept.</summary>
    /// <exception cref="ClusterException"><see cref="ClusterFault.BadIdentity"/>: it is damaged, or can't be written.</exception>
    public RegistrySecret LoadOrCreateRegistrySecret()
    {
        if (TryLoadRegistrySecret() is { } kept)
        {
            return kept;
        }

        byte[] secret = RandomNumberGenerator.GetBytes(RegistrySecret.Bytes);
        Write(SecretPath, Convert.ToBase64String(secret) + "\n");
        return new RegistrySecret(secret);
    }

    /// <summary>A node's key for weights, or a new one, which is kept; the caller owns it.</summary>
    /// <exception cref="ClusterException"><see cref="ClusterFault.BadIdentity"/>: it is damaged, or can't be written.</exception>
    public WeightKey LoadOrCreateWeightKey()
    {
        if (File.Exists(WeightKeyPath))
        {
            return Guard(WeightKeyPath, static path => WeightKey.FromPem(File.ReadAllText(path)));
        }

        WeightKey key = WeightKey.Create();
        Write(WeightKeyPath, key.ToPem() + "\n");
        return key;
    }

    /// <summary>The highest plan that this folder's node has seen; null when there is none.</summary>
    /// <exception cref="ClusterException"><see cref="ClusterFault.BadIdentity"/>: it is damaged. Without it, an old plan can't be told from a new one.</exception>
    public PlanMark? TryLoadPlanMark() => !File.Exists(PlanMarkPath) ? null : Guard(PlanMarkPath, static path =>
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllText(path), PlanMarkJsonContext.Default.PlanMark) ?? throw new CryptographicException("It is null.");
        }
        catch (JsonException e)
        {
            throw new CryptographicException($"It isn't the mark of a plan: {e.Message}", e);
        }
    });

    /// <summary>Keeps the highest plan that this folder's node has seen.</summary>
    /// <param name="mark">The plan.</param>
    /// <exception cref="ClusterException"><see cref="ClusterFault.BadIdentity"/>: it can't be written.</exception>
    public void SavePlanMark(PlanMark mark) => Write(PlanMarkPath, JsonSerializer.Serialize(mark, PlanMarkJsonContext.Default.PlanMark));

    /// <summary>Text of the registry; null when there is none yet.</summary>
    internal string? ReadRegistry(int maxBytes)
    {
        var file = new FileInfo(RegistryPath);
        if (!file.Exists)
        {
            return null;
        }

        return file.Length <= maxBytes
            ? Guard(RegistryPath, File.ReadAllText)
            : throw new ClusterException(ClusterFault.BadIdentity, $"{RegistryPath} has {file.Length} bytes, more than any registry; put it back from a copy.");
    }

    /// <summary>Replaces the registry.</summary>
    internal void WriteRegistry(string text) => Write(RegistryPath, text);

    /// <summary>Keeps other processes from changing the registry until the result is disposed.</summary>
    internal FileStream LockRegistry(TimeSpan timeout, TimeSpan retry)
    {
        long start = TimeProvider.System.GetTimestamp();
        while (true)
        {
            try
            {
                CreateFolder();
                FileStreamOptions options = PrivateFile();
                (options.Mode, options.Access, options.Share) = (FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
                return new FileStream(RegistryLockPath, options);
            }
            catch (UnauthorizedAccessException e)
            {
                throw new ClusterException(ClusterFault.BadIdentity, $"{RegistryLockPath} can't be opened: {e.Message} Run as the user of the gateway.", e);
            }
            catch (IOException e) when (TimeProvider.System.GetElapsedTime(start) >= timeout)
            {
                throw new ClusterException(ClusterFault.BadIdentity, $"{RegistryLockPath} is held by another process: {e.Message} Try again.", e);
            }
            catch (IOException)
            {
                Thread.Sleep(retry);
            }
        }
    }

    private X509Certificate2 LoadPem(string path) => Guard(path, static p =>
    {
        string pem = File.ReadAllText(p);
        return X509Certificate2.CreateFromPem(pem, pem);
    });

    private T Guard<T>(string path, Func<string, T> load)
    {
        try
        {
            return load(path);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException or IOException or UnauthorizedAccessException)
        {
            throw new ClusterException(ClusterFault.BadIdentity, $"{path} can't be read: {e.Message} Remove {folder} and join again.", e);
        }
    }

    private void SavePem(string path, X509Certificate2 certificate)
    {
        using ECDsa key = certificate.GetECDsaPrivateKey() ?? throw new ClusterException(ClusterFault.BadIdentity, "The certificate to keep has no private key.");
        Write(path, certificate.ExportCertificatePem() + "\n" + key.ExportPkcs8PrivateKeyPem() + "\n");
    }

    private void CreateFolder()
    {
        if (OperatingSystem.IsWindows())
        {
            // The user profile's access list, which the folder inherits, keeps others out.
            Directory.CreateDirectory(folder);
        }
        else
        {
            Directory.CreateDirectory(folder, FolderMode);
        }
    }

    private static FileStreamOptions PrivateFile()
    {
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = PrivateMode;
        }

        return options;
    }

    private void Write(string path, string text)
    {
        try
        {
            CreateFolder();

            // Written beside and renamed: a full disk or a kill leaves the old file whole.
            string draft = path + ".new";
            using (var file = new FileStream(draft, PrivateFile()))
            {
                file.Write(Encoding.UTF8.GetBytes(text));
                file.Flush(flushToDisk: true);
            }

            File.Move(draft, path, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ClusterException(ClusterFault.BadIdentity, $"{path} can't be written: {e.Message} Make room, or choose another folder with --data.", e);
        }
    }
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(PlanMark))]
internal sealed partial class PlanMarkJsonContext : JsonSerializerContext;
