// SPDX-License-Identifier: GPL-2.0
/*
 * Tables, in columns or as JSON: libsmartcols.
 */
#include <errno.h>
#include <libsmartcols.h>
#include <stdio.h>
#include <stdlib.h>

#include "kmclctl.h"

struct table {
	struct libscols_table *table;
	struct libscols_line *line;
	const struct column *columns;
};

static void must(int error)
{
	if (error)
		need(NULL);
}

struct table *table_new(const char *name, const struct column *columns,
			int count)
{
	static const int types[] = {
		[TEXT] = SCOLS_JSON_STRING,
		[NUMBER] = SCOLS_JSON_NUMBER,
		[TRUTH] = SCOLS_JSON_BOOLEAN,
		[LONG_TEXT] = SCOLS_JSON_STRING,
	};
	static const int flags[] = {
		[NUMBER] = SCOLS_FL_RIGHT,
		[TRUTH] = 0,
		[LONG_TEXT] = SCOLS_FL_WRAP,
	};
	struct table *new = need(calloc(1, sizeof(*new)));
	struct libscols_column *column;
	int i;

	new->columns = columns;
	new->table = need(scols_new_table());
	must(scols_table_set_name(new->table, name));
	must(scols_table_enable_json(new->table, json));
	for (i = 0; i < count; i++) {
		column = need(scols_table_new_column(new->table,
						     columns[i].name, 0,
						     flags[columns[i].type]));
		must(scols_column_set_json_type(column, types[columns[i].type]));
	}
	return new;
}

void table_width(struct table *table, int column, int width)
{
	must(scols_column_set_whint(scols_table_get_column(table->table, column),
				    width));
}

void table_row(struct table *table)
{
	table->line = need(scols_table_new_line(table->table, NULL));
}

void table_text(struct table *table, int column, const char *text)
{
	if (!text && !json)
		text = "-";
	if (text)
		must(scols_line_set_data(table->line, column, text));
}

void table_number(struct table *table, int column, unsigned long long number)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", number);
	table_text(table, column, text);
}

void table_truth(struct table *table, int column, bool truth)
{
	if (json)
		table_text(table, column, truth ? "true" : "false");
	else
		table_text(table, column, truth ? "yes" : "no");
}

enum status table_show(struct table *table)
{
	int error = scols_print_table(table->table);

	scols_table_remove_lines(table->table);
	table->line = NULL;
	/* libsmartcols does not tell whether all could be written */
	if (error || fflush(stdout) || ferror(stdout))
		return tell_errno(error ? -error : errno, "writing the output");
	return OK;
}

enum status table_continue(struct table *table)
{
	must(scols_table_enable_noheadings(table->table, 1));
	return table_show(table);
}

static void field_set(struct table *table, int column, const struct field *field)
{
	switch (field->column.type) {
	case NUMBER:
		table_number(table, column, field->number);
		break;
	case TRUTH:
		table_truth(table, column, field->number);
		break;
	default:
		table_text(table, column, field->text);
	}
}

enum status fields_show(const char *name, const struct field *fields, int count)
{
	static const struct column pair[] = {
		{ "FIELD", TEXT }, { "VALUE", LONG_TEXT }
	};
	struct column columns[count];
	struct table *table;
	enum status status;
	int i;

	for (i = 0; i < count; i++)
		columns[i] = fields[i].column;
	table = json ? table_new(name, columns, count) :
		table_new(name, pair, ARRAY_SIZE(pair));
	if (json)
		table_row(table);
	for (i = 0; i < count; i++) {
		if (!json) {
			table_row(table);
			table_text(table, 0, columns[i].name);
		}
		field_set(table, json ? i : 1, &fields[i]);
	}
	status = json ? table_show(table) : table_continue(table);
	table_free(table);
	return status;
}

void table_free(struct table *table)
{
	scols_unref_table(table->table);
	free(table);
}
