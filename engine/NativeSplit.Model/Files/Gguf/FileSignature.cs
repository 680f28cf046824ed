using System.Buffers.Binary;
using System.Text;

namespace NativeSplit.Model.Files.Gguf;

/// <summary>Guesses from its first bytes what a file is that was taken for a GGUF file.</summary>
internal static class FileSignature
{
    /// <summary>Bytes worth looking at.</summary>
    public const int HeadBytes = 64;

    /// <summary>Says what the file looks like and how to mend it.</summary>
    /// <param name="head">First bytes of the file, fewer when it is shorter.</param>
    /// <param name="length">Length of the file.</param>
    public static string Describe(ReadOnlySpan<byte> head, long length)
    {
        if (length == 0)
        {
            return "it is empty; download it again";
        }

        if (head.IndexOfAnyExcept((byte)0) < 0)
        {
            return "it begins with zeros: a download that reserved the space and wasn't finished; download it again";
        }

        if (head.StartsWith("lmgg"u8) || head.StartsWith("tjgg"u8) || head.StartsWith("fmgg"u8) || head.StartsWith("algg"u8))
        {
            return "it is a GGML file from before GGUF; convert the original model with a current tool";
        }

        if (head.StartsWith("FUGG"u8))
        {
            return "it is a big-endian GGUF file; convert the model to little-endian";
        }

        if (head.StartsWith("version https://git-lfs"u8))
        {
            return "it is a Git LFS pointer, not the file itself; run 'git lfs pull' in the repository it comes from";
        }

        if (head.StartsWith("PK\u0003\u0004"u8))
        {
            return "it is a zip archive (PyTorch checkpoints are); unpack it, or convert the checkpoint to GGUF or safetensors";
        }

        if (head.Length > 1 && head[0] == 0x80 && head[1] is >= 2 and <= 5)
        {
            return "it is a Python pickle (an old PyTorch checkpoint); convert it to GGUF or safetensors";
        }

        if (head.StartsWith((ReadOnlySpan<byte>)[0x1F, 0x8B]))
        {
            return "it is compressed with gzip; unpack it";
        }

        if (LooksLikeSafetensors(head, length))
        {
            return "it is a safetensors file; name the directory that holds it, its config.json and its tokenizer.json";
        }

        return DescribeText(head);
    }

    private static bool LooksLikeSafetensors(ReadOnlySpan<byte> head, long length) =>
        head.Length > 9 && head[8] == (byte)'{' && BinaryPrimitives.ReadUInt64LittleEndian(head) <= (ulong)length;

    private static string DescribeText(ReadOnlySpan<byte> head)
    {
        ReadOnlySpan<byte> start = head.TrimStart(" \t\r\n\uFEFF"u8);
        if (start.StartsWith("<"u8))
        {
            return "it is a web page, probably an error page saved by the download; download the file itself";
        }

        if (start.StartsWith("{"u8))
        {
            return "it is a JSON document; for a Hugging Face model name the directory, not a file in it";
        }

        foreach (byte value in head)
        {
            if (value is < 0x20 and not ((byte)'\t' or (byte)'\r' or (byte)'\n') or >= 0x7F)
            {
                return $"it begins with {Convert.ToHexString(head[..Math.Min(8, head.Length)])}, where GGUF has 47475546; it isn't a model file, or it is damaged";
            }
        }

        return $"it is a text that begins \"{Encoding.ASCII.GetString(head[..Math.Min(32, head.Length)]).ReplaceLineEndings(" ")}\"; download the file itself";
    }
}
