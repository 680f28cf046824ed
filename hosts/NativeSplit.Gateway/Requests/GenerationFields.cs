using System.Collections.Frozen;
using System.Globalization;
using System.Text.Json;
using NativeSplit.Engine.Sampling;
using NativeSplit.Gateway.Http;
using NativeSplit.Model;
using NativeSplit.Model.Files;

namespace NativeSplit.Gateway.Requests;

/// <summary>What chat and text completions have in common: how to sample, when to stop, how to answer.</summary>
internal sealed record GenerationFields
{
    /// <summary>Stop strings of a request at most (OpenAI API).</summary>
    private const int MaxStops = 4;

    /// <summary>Characters of a stop string at most: the detokenizer holds text back for as long as one could still match.</summary>
    private const int MaxStopCharacters = 1024;

    public required SamplingOptions Sampling { get; init; }

    /// <summary>Tokens to generate at most, as the request says; null where it doesn't.</summary>
    public int? MaxTokens { get; init; }

    public IReadOnlyList<string> Stop { get; init; } = [];

    public bool IgnoreEndOfGeneration { get; init; }

    public bool Stream { get; init; }

    public bool IncludeUsage { get; init; }

    /// <param name="fields">The body.</param>
    /// <param name="defaults">What the model ships for fields the request leaves out.</param>
    /// <param name="vocabularySize">Bound of the ids in <c>logit_bias</c>.</param>
    public static GenerationFields Read(RequestFields fields, GenerationDefaults defaults, int vocabularySize)
    {
        if (fields.Integer("n", 1, 128) is > 1)
        {
            throw new ApiException(ApiErrors.UnsupportedValue(
                "n", "Only one choice per request is supported; send the request again for another."));
        }

        bool stream = fields.Flag("stream") ?? false;
        return new GenerationFields
        {
            Sampling = ReadSampling(fields, defaults, vocabularySize),
            MaxTokens = ReadMaxTokens(fields),
            Stop = ReadStop(fields),
            IgnoreEndOfGeneration = fields.Flag("ignore_eos") ?? false,
            Stream = stream,
            IncludeUsage = ReadIncludeUsage(fields, stream),
        };
    }

    private static SamplingOptions ReadSampling(RequestFields fields, GenerationDefaults defaults, int vocabularySize)
    {
        float topP = fields.Decimal("top_p", 0, 1) ?? defaults.TopP ?? 1f;
        return new SamplingOptions
        {
            Temperature = fields.Decimal("temperature", 0, 2) ?? defaults.Temperature ?? 1f,

            // The API allows 0, which leaves the best token alone. So does any value no best token can be below: 1/vocabulary.
            TopP = topP > 0 ? topP : 1e-6f,

            // -1 is the other usual spelling of "all".
            TopK = (int)Math.Max(0, fields.Integer("top_k", -1, int.MaxValue) ?? defaults.TopK ?? 0),
            MinP = fields.Decimal("min_p", 0, 1) ?? defaults.MinP ?? 0f,
            RepetitionPenalty = fields.Decimal("repetition_penalty", 0.01, 100) ?? defaults.RepetitionPenalty ?? 1f,
            FrequencyPenalty = fields.Decimal("frequency_penalty", -2, 2) ?? 0f,
            PresencePenalty = fields.Decimal("presence_penalty", -2, 2) ?? 0f,
            Seed = fields.Integer("seed", long.MinValue, long.MaxValue) is { } seed ? unchecked((ulong)seed) : null,
            LogitBias = ReadLogitBias(fields, vocabularySize),
        };
    }

    private static int? ReadMaxTokens(RequestFields fields)
    {
        long? older = fields.Integer("max_tokens", 1, int.MaxValue);
        long? newer = fields.Integer("max_completion_tokens", 1, int.MaxValue);
        return older is not null && newer is not null && older != newer
            ? throw new ApiException(ApiErrors.InvalidValue(
                "max_tokens",
                "'max_tokens' and 'max_completion_tokens' differ. Give one of them; 'max_completion_tokens' is the newer name."))
            : (int?)(newer ?? older);
    }

    private static List<string> ReadStop(RequestFields fields)
    {
        List<string> stops = [];
        switch (fields.Value("stop"))
        {
            case null:
                break;
            case { ValueKind: JsonValueKind.Array } array:
                if (array.GetArrayLength() > MaxStops)
                {
                    throw new ApiException(ApiErrors.LongArray("stop", MaxStops, array.GetArrayLength()));
                }

                foreach (JsonElement item in array.EnumerateArray())
                {
                    AddStop(stops, RequestFields.TextOf(item, $"stop[{stops.Count}]"), $"stop[{stops.Count}]");
                }

                break;
            case { ValueKind: JsonValueKind.String } text:
                AddStop(stops, RequestFields.TextOf(text, "stop"), "stop");
                break;
            case { } other:
                throw new ApiException(ApiErrors.WrongType("stop", "a string or an array of strings", RequestFields.KindOf(other)));
        }

        return stops;
    }

    private static void AddStop(List<string> stops, string stop, string path)
    {
        if (stop.Length is 0 or > MaxStopCharacters)
        {
            throw new ApiException(
                stop.Length == 0
                    ? ApiErrors.InvalidValue(path, "a stop string must not be empty.")
                    : ApiErrors.LongText(path, MaxStopCharacters, stop.Length));
        }

        stops.Add(stop);
    }

    private static FrozenDictionary<TokenId, float> ReadLogitBias(RequestFields fields, int vocabularySize)
    {
        if (fields.Value("logit_bias") is not { } map)
        {
            return FrozenDictionary<TokenId, float>.Empty;
        }

        if (map.ValueKind != JsonValueKind.Object)
        {
            throw new ApiException(ApiErrors.WrongType("logit_bias", "an object", RequestFields.KindOf(map)));
        }

        Dictionary<TokenId, float> bias = [];
        foreach (JsonProperty entry in map.EnumerateObject())
        {
            string name = RequestFields.NameOf(entry, "logit_bias");
            if (!int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out int id) || id >= vocabularySize)
            {
                throw new ApiException(ApiErrors.InvalidValue(
                    "logit_bias",
                    string.Create(CultureInfo.InvariantCulture, $"every name must be a token id from 0 to {vocabularySize - 1}.")));
            }

            bias[new TokenId(id)] = (float)RequestFields.DecimalOf(entry.Value, $"logit_bias.{id}", -100, 100);
        }

        return bias.ToFrozenDictionary();
    }

    private static bool ReadIncludeUsage(RequestFields fields, bool stream)
    {
        if (fields.Value("stream_options") is not { } options)
        {
            return false;
        }

        bool? include = new RequestFields(options, "stream_options").Flag("include_usage");
        return stream
            ? include ?? false
            : throw new ApiException(ApiErrors.InvalidValue("stream_options", "it is only allowed when 'stream' is true."));
    }
}
