using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using NativeSplit.Kernels.Ilgpu;
using Spectre.Console;

namespace NativeSplit.Host.Verbs;

/// <summary><c>devices</c>: what <c>--device</c> may name on this machine.</summary>
internal static class DevicesVerb
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    public static Command Create()
    {
        Option<bool> json = Composition.CommonArguments.Json();
        Command command = new("devices", "List the devices that layers can run on, with memory and driver, and say why a driver offers none.") { json };
        command.SetAction(parsed =>
        {
            IReadOnlyList<DriverInfo> drivers = DeviceCatalog.Discover();
            if (parsed.GetValue(json))
            {
                Console.Out.WriteLine(new JsonArray([.. drivers.Select(Describe)]).ToJsonString(Indented));
            }
            else
            {
                Show(drivers);
            }

            return ExitCode.Done;
        });
        return command;
    }

    private static JsonNode Describe(DriverInfo driver) => new JsonObject
    {
        ["driver"] = NameOf(driver),
        ["problem"] = driver.Problem,
        ["devices"] = new JsonArray([.. driver.Devices.Select(device => (JsonNode)new JsonObject
        {
            ["id"] = device.Id.ToString(),
            ["name"] = device.Name,
            ["driver"] = device.Driver,
            ["memory_bytes"] = device.MemoryBytes,
            ["multiprocessors"] = device.Multiprocessors,
            ["max_group_threads"] = device.MaxGroupThreads,
            ["shared_bytes_per_group"] = device.SharedBytesPerGroup,
            ["obstacle"] = device.Obstacle,
        })]),
    };

    private static void Show(IReadOnlyList<DriverInfo> drivers)
    {
        Table table = new Table().Border(TableBorder.Rounded).AddColumns("device", "name", "driver", "memory", "processors", "usable");
        table.AddRow("cpu", "this processor", ".NET", InspectVerb.Bytes(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes), Text($"{Environment.ProcessorCount}"), "yes");
        foreach (DeviceInfo device in drivers.SelectMany(driver => driver.Devices))
        {
            string usable = device.Obstacle is { } obstacle ? $"no: {obstacle}" : device.Id.Kind == DeviceKind.Emulator ? "for tests only" : "yes";
            table.AddRow(new Text(device.Id.ToString()), new Text(device.Name), new Text(device.Driver), new Text(InspectVerb.Bytes(device.MemoryBytes)), new Text(Text($"{device.Multiprocessors}")), new Text(usable));
        }

        AnsiConsole.Write(table);
        foreach (DriverInfo driver in drivers.Where(driver => driver.Problem is not null))
        {
            Console.Out.WriteLine($"{NameOf(driver)}: {driver.Problem}.");
        }
    }

    private static string NameOf(DriverInfo driver) => driver.Kind.ToString().ToLowerInvariant();

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
