/* What operators have said, by whom and until when; and what came of an order. */
#include <string.h>

#include "ctl/grid.h"
#include "ctl/paper.h"
#include "ctl/show.h"

static void row(struct grid *grid, const struct paper *paper, const json_t *override)
{
	const json_t *until = json_object_get(override, "until");
	char buffer[PAPER_TEXT];

	grid_cell(grid, INK_PLAIN, "%s", json_text(override, "object"));
	grid_cell(grid, INK_PLAIN, "%s", json_text(override, "kind"));
	grid_cell(grid, INK_WARN, "%s", json_text(override, "value"));
	grid_cell(grid, INK_PLAIN, "%s", json_text(override, "by"));
	grid_cell(grid, INK_PLAIN, "%s",
		  paper_ago(paper, json_object_get(override, "since"), buffer));
	grid_cell(grid, INK_PLAIN, "%s",
		  json_is_null(until) ? "taken back" : paper_time(until, buffer));
	if (json_is_string(json_object_get(override, "configured_value")) &&
	    strcmp(json_text(override, "kind"), "maintenance") != 0)
		grid_note(grid, INK_DIM, "configured: %s", json_text(override, "configured_value"));
	if (json_is_string(json_object_get(override, "deadline")))
		grid_note(grid, INK_DIM, "out of the table with its last connection, or at %s",
			  paper_time(json_object_get(override, "deadline"), buffer));
	if (*json_text(override, "comment"))
		grid_note(grid, INK_DIM, "%s", json_text(override, "comment"));
	if (json_is_false(json_object_get(override, "configured")))
		grid_note(grid, INK_WARN, "not configured: kept in case that it comes back");
}

void show_overrides(const struct paper *paper, const json_t *overrides, size_t indent)
{
	static const struct grid_column columns[] = {
		{.title = "OBJECT"}, {.title = "KIND"}, {.title = "VALUE"},
		{.title = "BY"},     {.title = "FOR"},  {.title = "UNTIL", .folds = true},
	};
	struct grid *grid = grid_new(columns, COUNT_OF(columns));
	const json_t *override;
	size_t at;

	json_array_foreach(overrides, at, override) row(grid, paper, override);
	grid_print(grid, paper, indent);
	grid_free(grid);
}

void show_objects(const struct paper *paper, const json_t *objects)
{
	const json_t *object;
	size_t at;

	json_array_foreach(objects, at, object)
	{
		struct flow flow = {.paper = paper, .indent = 2};
		bool done = json_truth(object, "done");

		flow_put(&flow, INK_PLAIN, "%s: ", json_text(object, "name"));
		flow_put(&flow, done ? INK_PLAIN : INK_BAD, "%s", json_text(object, "text"));
		flow_end(&flow);
	}
}
