using System.Globalization;
using System.Net;
using System.Text;
using NativeSplit.Gateway.Tests.Fakes;
using NativeSplit.Model;

namespace NativeSplit.Gateway.Tests;

/// <summary>Requests that must be refused before anything is generated, with the field and the code of the API.</summary>
public sealed class BadRequestTests
{
    [Theory]
    [InlineData(",\"temperature\":\"hot\"", "temperature", "invalid_type")]
    [InlineData(",\"temperature\":-0.1", "temperature", "decimal_below_min_value")]
    [InlineData(",\"temperature\":2.1", "temperature", "decimal_above_max_value")]
    [InlineData(",\"temperature\":1e999", "temperature", "decimal_above_max_value")]
    [InlineData(",\"temperature\":-1e999", "temperature", "decimal_below_min_value")]
    [InlineData(",\"top_p\":1.5", "top_p", "decimal_above_max_value")]
    [InlineData(",\"top_p\":[]", "top_p", "invalid_type")]
    [InlineData(",\"min_p\":-1", "min_p", "decimal_below_min_value")]
    [InlineData(",\"top_k\":-2", "top_k", "integer_below_min_value")]
    [InlineData(",\"top_k\":1.5", "top_k", "invalid_type")]
    [InlineData(",\"repetition_penalty\":0", "repetition_penalty", "decimal_below_min_value")]
    [InlineData(",\"frequency_penalty\":2.5", "frequency_penalty", "decimal_above_max_value")]
    [InlineData(",\"presence_penalty\":-2.5", "presence_penalty", "decimal_below_min_value")]
    [InlineData(",\"n\":2", "n", "unsupported_value")]
    [InlineData(",\"n\":0", "n", "integer_below_min_value")]
    [InlineData(",\"max_tokens\":0", "max_tokens", "integer_below_min_value")]
    [InlineData(",\"max_tokens\":-1", "max_tokens", "integer_below_min_value")]
    [InlineData(",\"max_tokens\":1e3", "max_tokens", "invalid_type")]
    [InlineData(",\"max_tokens\":99999999999999999999999", "max_tokens", "integer_above_max_value")]
    [InlineData(",\"max_tokens\":\"5\"", "max_tokens", "invalid_type")]
    [InlineData(",\"max_completion_tokens\":true", "max_completion_tokens", "invalid_type")]
    [InlineData(",\"max_tokens\":5,\"max_completion_tokens\":6", "max_tokens", "invalid_value")]
    [InlineData(",\"seed\":1.5", "seed", "invalid_type")]
    [InlineData(",\"seed\":99999999999999999999", "seed", "invalid_value")]
    [InlineData(",\"stop\":[\"a\",\"b\",\"c\",\"d\",\"e\"]", "stop", "array_above_max_length")]
    [InlineData(",\"stop\":[1]", "stop[0]", "invalid_type")]
    [InlineData(",\"stop\":\"\"", "stop", "invalid_value")]
    [InlineData(",\"stop\":{}", "stop", "invalid_type")]
    [InlineData(",\"logit_bias\":[]", "logit_bias", "invalid_type")]
    [InlineData(",\"logit_bias\":{\"260\":1}", "logit_bias", "invalid_value")]
    [InlineData(",\"logit_bias\":{\"-1\":1}", "logit_bias", "invalid_value")]
    [InlineData(",\"logit_bias\":{\" 1\":1}", "logit_bias", "invalid_value")]
    [InlineData(",\"logit_bias\":{\"a\":1}", "logit_bias", "invalid_value")]
    [InlineData(",\"logit_bias\":{\"1\":101}", "logit_bias.1", "decimal_above_max_value")]
    [InlineData(",\"logit_bias\":{\"1\":\"1\"}", "logit_bias.1", "invalid_type")]
    [InlineData(",\"stream\":1", "stream", "invalid_type")]
    [InlineData(",\"stream_options\":{\"include_usage\":true}", "stream_options", "invalid_value")]
    [InlineData(",\"stream\":true,\"stream_options\":true", "stream_options", "invalid_type")]
    [InlineData(",\"stream\":true,\"stream_options\":{\"include_usage\":\"yes\"}", "stream_options.include_usage", "invalid_type")]
    [InlineData(",\"ignore_eos\":\"no\"", "ignore_eos", "invalid_type")]
    public async Task Request_IsRefused_WhenACommonFieldIsBad(string more, string param, string code)
    {
        await using TestGateway gateway = await TestGateway.StartAsync(ScriptedGenerator.Saying("x"));
        foreach (HttpResponseMessage response in new[] { await gateway.ChatAsync(more), await gateway.CompleteAsync(more) })
        {
            await AssertRefusedAsync(gateway, response, param, code);
        }
    }

    [Theory]
    [InlineData(",\"logprobs\":true", "logprobs", "unsupported_parameter")]
    [InlineData(",\"top_logprobs\":2", "top_logprobs", "unsupported_parameter")]
    [InlineData(",\"functions\":[]", "functions", "unsupported_parameter")]
    [InlineData(",\"function_call\":\"auto\"", "function_call", "unsupported_parameter")]
    [InlineData(",\"response_format\":{\"type\":\"json_object\"}", "response_format.type", "unsupported_value")]
    [InlineData(",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{}}", "response_format.type", "unsupported_value")]
    [InlineData(",\"response_format\":\"text\"", "response_format", "invalid_type")]
    [InlineData(",\"modalities\":[\"text\",\"audio\"]", "modalities", "unsupported_value")]
    [InlineData(",\"tool_choice\":\"required\"", "tool_choice", "unsupported_value")]
    [InlineData(",\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"f\"}}", "tool_choice", "unsupported_value")]
    [InlineData(",\"tool_choice\":1", "tool_choice", "invalid_type")]
    [InlineData(",\"tools\":{}", "tools", "invalid_type")]
    [InlineData(",\"tools\":[1]", "tools[0]", "invalid_type")]
    [InlineData(",\"tools\":[{\"a\":\"\\ud800\"}]", "tools[0]", "invalid_value")]
    public async Task Chat_IsRefused_WhenAFieldOfItsOwnIsBad(string more, string param, string code)
    {
        await using TestGateway gateway = await TestGateway.StartAsync(ScriptedGenerator.Saying("x"));
        await AssertRefusedAsync(gateway, await gateway.ChatAsync(more), param, code);
    }

    [Theory]
    [InlineData("", "messages", "missing_required_parameter")]
    [InlineData("\"messages\":[]", "messages", "empty_array")]
    [InlineData("\"messages\":{}", "messages", "invalid_type")]
    [InlineData("\"messages\":\"Hi\"", "messages", "invalid_type")]
    [InlineData("\"messages\":[\"Hi\"]", "messages[0]", "invalid_type")]
    [InlineData("\"messages\":[null]", "messages[0]", "invalid_type")]
    [InlineData("\"messages\":[{\"content\":\"Hi\"}]", "messages[0].role", "missing_required_parameter")]
    [InlineData("\"messages\":[{\"role\":\"root\",\"content\":\"Hi\"}]", "messages[0].role", "invalid_value")]
    [InlineData("\"messages\":[{\"role\":1,\"content\":\"Hi\"}]", "messages[0].role", "invalid_type")]
    [InlineData("\"messages\":[{\"role\":\"user\"}]", "messages[0].content", "missing_required_parameter")]
    [InlineData("\"messages\":[{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[]}]", "messages[0].content", "missing_required_parameter")]
    [InlineData("\"messages\":[{\"role\":\"user\",\"content\":5}]", "messages[0].content", "invalid_type")]
    [InlineData("\"messages\":[{\"role\":\"user\",\"content\":[]}]", "messages[0].content", "empty_array")]
    [InlineData("\"messages\":[{\"role\":\"user\",\"content\":[\"Hi\"]}]", "messages[0].content[0]", "invalid_type")]
    [InlineData("\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"Hi\"}]}]", "messages[0].content[0].type", "missing_required_parameter")]
    [InlineData("\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\"}]}]", "messages[0].content[0].text", "missing_required_parameter")]
    [InlineData(
        "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"Hi\"},{\"type\":\"image_url\",\"image_url\":{\"url\":\"x\"}}]}]",
        "messages[0].content[1].type",
        "unsupported_value")]
    [InlineData(
        "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_audio\",\"input_audio\":{}}]}]", "messages[0].content[0].type", "unsupported_value")]
    [InlineData("\"messages\":[{\"role\":\"tool\",\"content\":\"3\"}]", "messages[0].tool_call_id", "missing_required_parameter")]
    [InlineData("\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"},{\"role\":\"user\",\"content\":\"\\ud800\"}]", "messages[1].content", "invalid_value")]
    public async Task Chat_IsRefused_WhenAMessageIsBad(string fields, string param, string code)
    {
        await using TestGateway gateway = await TestGateway.StartAsync(ScriptedGenerator.Saying("x"));
        HttpResponseMessage response = await gateway.PostAsync("/v1/chat/completions", $"{{\"model\":\"toy\"{(fields.Length > 0 ? "," : "")}{fields}}}");
        await AssertRefusedAsync(gateway, response, param, code);
    }

    [Theory]
    [InlineData("", "prompt", "missing_required_parameter")]
    [InlineData("\"prompt\":5", "prompt", "invalid_type")]
    [InlineData("\"prompt\":{}", "prompt", "invalid_type")]
    [InlineData("\"prompt\":[]", "prompt", "empty_array")]
    [InlineData("\"prompt\":[[]]", "prompt[0]", "empty_array")]
    [InlineData("\"prompt\":[[[1]]]", "prompt[0][0]", "invalid_type")]
    [InlineData("\"prompt\":[\"a\",\"b\"]", "prompt", "unsupported_value")]
    [InlineData("\"prompt\":[[1],[2]]", "prompt", "unsupported_value")]
    [InlineData("\"prompt\":[null]", "prompt[0]", "invalid_type")]
    [InlineData("\"prompt\":[1,\"a\"]", "prompt[1]", "invalid_type")]
    [InlineData("\"prompt\":[1,-1]", "prompt[1]", "integer_below_min_value")]
    [InlineData("\"prompt\":[260]", "prompt[0]", "integer_above_max_value")]
    [InlineData("\"prompt\":[1.5]", "prompt[0]", "invalid_type")]
    [InlineData("\"prompt\":\"Hi\",\"echo\":true", "echo", "unsupported_parameter")]
    [InlineData("\"prompt\":\"Hi\",\"suffix\":\"x\"", "suffix", "unsupported_parameter")]
    [InlineData("\"prompt\":\"Hi\",\"logprobs\":0", "logprobs", "unsupported_parameter")]
    [InlineData("\"prompt\":\"Hi\",\"best_of\":2", "best_of", "unsupported_value")]
    public async Task Completion_IsRefused_WhenAFieldOfItsOwnIsBad(string fields, string param, string code)
    {
        await using TestGateway gateway = await TestGateway.StartAsync(ScriptedGenerator.Saying("x"));
        HttpResponseMessage response = await gateway.PostAsync("/v1/completions", $"{{\"model\":\"toy\"{(fields.Length > 0 ? "," : "")}{fields}}}");
        await AssertRefusedAsync(gateway, response, param, code);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("{} x")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("{\"model\":\"toy\",\"temperature\":NaN}")]
    [InlineData("{\"model\":\"toy\",\"temperature\":.5}")]
    [InlineData("{\"model\":\"toy\",\"model\":\"toy\"}")]
    [InlineData("{\"model\":\"toy\",}")]
    [InlineData("{'model':'toy'}")]
    public async Task Request_IsRefused_WhenTheBodyIsNotAJsonObject(string body)
    {
        await using TestGateway gateway = await TestGateway.StartAsync(ScriptedGenerator.Saying("x"));
        await AssertRefusedAsync(gateway, await gateway.PostAsync("/v1/chat/completions", body), null, "invalid_json");
    }

    [Fact]
    public async Task Request_IsRefused_WhenJsonNestsDeep()
    {
        await using TestGateway gateway = await TestGateway.StartAsync(ScriptedGenerator.Saying("x"));
        string deep = new string('[', 100_000) + new string(']', 100_000);
        await AssertRefusedAsync(gateway, await gateway.PostAsync("/v1/completions", $"{{\"model\":\"toy\",\"prompt\":{deep}}}"), null, "invalid_json");
    }

    [Fact]
    public async Task Request_IsRefused_WhenBytesAreNotUtf8()
    {
        await using TestGateway gateway = await TestGateway.StartAsync(ScriptedGenerator.Saying("x"));
        ByteArrayContent content = new([.. "{\"model\":\"toy\",\"prompt\":\""u8, 0xC3, 0x28, .. "\"}"u8]);
        content.Headers.ContentType = new("application/json");
        await AssertRefusedAsync(gateway, await gateway.Client.PostAsync("/v1/completions", content, TestGateway.Cancellation), "prompt", "invalid_value");
    }

    [Fact]
    public async Task Request_IsRefused_WhenAnObjectHasTooManyFields()
    {
        await using TestGateway gateway = await TestGateway.StartAsync(ScriptedGenerator.Saying("x"));
        string many = string.Concat(Enumerable.Range(0, 100_000).Select(i => string.Create(CultureInfo.InvariantCulture, $",\"f{i}\":{i}")));
        await AssertRefusedAsync(gateway, await gateway.PostAsync("/v1/completions", $"{{\"model\":\"toy\"{many}}}"), null, "invalid_json");
    }

    [Theory]
    [InlineData("text/plain")]
    [InlineData("application/x-www-form-urlencoded")]
    public async Task Request_IsRefused_WhenItsTypeIsNotJson(string type)
    {
        await using TestGateway gateway = await TestGateway.StartAsync(ScriptedGenerator.Saying("x"));
        using StringContent content = new("{\"model\":\"toy\",\"prompt\":\"Hi\"}", Encoding.UTF8, type);
        HttpResponseMessage response = await gateway.Client.PostAsync("/v1/completions", content, TestGateway.Cancellation);
        (_, string errorType, _, string? code) = await TestGateway.ErrorAsync(response, HttpStatusCode.UnsupportedMediaType);
        Assert.Equal(("invalid_request_error", "unsupported_content_type"), (errorType, code));
    }

    [Fact]
    public async Task Request_IsRefused_WhenTheTemplateRefusesTheChat()
    {
        await using TestGateway gateway = await TestGateway.StartAsync(
            ScriptedGenerator.Saying("x"),
            change: model => model with { RenderChat = (_, _, _) => throw new ModelException(ModelFault.Template, "Roles must alternate.") });
        (string message, _, string? param, _) = await TestGateway.ErrorAsync(await gateway.ChatAsync(), HttpStatusCode.BadRequest);
        Assert.Contains("Roles must alternate.", message, StringComparison.Ordinal);
        Assert.Equal("messages", param);
    }

    [Fact]
    public async Task Chat_PointsToCompletions_WhenTheModelHasNoTemplate()
    {
        await using TestGateway gateway = await TestGateway.StartAsync(ScriptedGenerator.Saying("x"), change: model => model with { RenderChat = null });
        (string message, _, _, _) = await TestGateway.ErrorAsync(await gateway.ChatAsync(), HttpStatusCode.BadRequest);
        Assert.Contains("/v1/completions", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/v1/chat/completions", "\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]")]
    [InlineData("/v1/completions", "\"prompt\":\"Hi\"")]
    public async Task Request_IsRefused_WhenTheModelIsUnknownOrMissing(string path, string fields)
    {
        await using TestGateway gateway = await TestGateway.StartAsync(ScriptedGenerator.Saying("x"));
        Assert.Equal(
            ("The model 'gpt-x' does not exist", "invalid_request_error", "model", "model_not_found"),
            await TestGateway.ErrorAsync(await gateway.PostAsync(path, $"{{\"model\":\"gpt-x\",{fields}}}"), HttpStatusCode.NotFound));
        (string message, _, string? param, _) = await TestGateway.ErrorAsync(await gateway.PostAsync(path, $"{{{fields}}}"), HttpStatusCode.BadRequest);
        Assert.Equal(("you must provide a model parameter", "model"), (message, param));
    }

    private static async Task AssertRefusedAsync(TestGateway gateway, HttpResponseMessage response, string? param, string code)
    {
        using (response)
        {
            (string message, string type, string? actualParam, string? actualCode) = await TestGateway.ErrorAsync(response, HttpStatusCode.BadRequest);
            Assert.Equal(("invalid_request_error", param, code), (type, actualParam, actualCode));
            Assert.NotEmpty(message);
            Assert.False(gateway.Generator.Started.TryRead(out _));
        }
    }
}
